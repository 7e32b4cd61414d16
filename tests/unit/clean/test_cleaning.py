"""What `harness clean` removes, and above all what it does not."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from harness.clean import builds, item
from harness.clean.cleaning import KINDS, Cleaned, clean, seconds
from harness.cli.clean import Clean
from harness.control import quarantine
from harness.control.holder import Holder
from harness.control.orphans import OWNER
from harness.devices.phone_id import PhoneId
from harness.errors import UsageError
from harness.exit_codes import ExitCode
from harness.model.policy import load_policy
from harness.model.suite import load_suite
from harness.store.rundir import RunDir

pytestmark = pytest.mark.unit

DAY = 86400.0
MakeRun = Callable[..., Path]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, and a build cache of the test's own."""
    folder = tmp_path / "a folder for Übungen"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(builds, "build_root", lambda: tmp_path / "build")
    return folder


def aged(path: Path, days: float) -> Path:
    """The path, changed so many days ago, with all in it."""
    for each in (*path.rglob("*"), path):
        os.utime(each, (time.time() - days * DAY,) * 2, follow_symlinks=False)
    return path


@pytest.fixture
def make_run(here: Path) -> MakeRun:
    suite = load_suite("smoke")

    def make(
        name: str, days: float = 100, status: str = "done", code: int | None = 0, root: Path | None = None
    ) -> Path:
        path = (root or here / "runs") / name
        path.mkdir(parents=True)
        value = {
            **{"schema": 2, "run": name, "status": status, "started": "2026-01-01T00:00:00Z", "argv": ["harness"]},
            **{"suite": {"name": "smoke", "layers": [layer.model_dump(mode="json") for layer in suite.layers]}},
            **{"policy": load_policy("smoke").model_dump(mode="json"), "algorithms": ["im2col"], "clusters": None},
            **{"seed": 1, "devices": ["pixel-3"], "abi": None, "toolchain_asked": "auto", "toolchain": {}},
            **{"exit_code": code, "finished": "2026-01-01T00:10:00Z"},
        }
        (path / "manifest.json").write_text(json.dumps(value))
        (path / "records.jsonl").write_bytes(b"x" * 1000)
        return aged(path, days)

    return make


def names(done: Cleaned) -> list[str]:
    return sorted(each.name for each, _ in done.removed)


def test_by_age_and_how_many_bytes(make_run: MakeRun, here: Path) -> None:
    old, new = make_run("old"), make_run("new", days=1)
    (here / "runs" / "latest").symlink_to("old")
    size = item.size_of(old)
    assert size > 1000
    dry = clean(("runs",), (), None, dry=True)
    assert names(dry) == ["old"] and dry.size == size and old.is_dir()
    done = clean(("runs",), (), None, dry=False)
    assert names(done) == ["old"] and done.size == size
    assert not old.exists() and new.is_dir() and not (here / "runs" / "latest").is_symlink()
    assert names(clean(("runs",), (), "12h", dry=False)) == ["new"]


@pytest.mark.parametrize(("status", "code"), [("interrupted", 130), ("running", None), ("failed", 3)])
def test_a_run_that_can_be_resumed_stays_unless_it_is_named(make_run: MakeRun, status: str, code: int | None) -> None:
    path = make_run("mine", status=status, code=code)
    done = clean(("runs",), (), None, dry=False)
    assert names(done) == [] and [(i.name, why) for i, why in done.stays] == [
        ("mine", "it can be resumed, and goes by its name only")
    ]
    assert names(clean(KINDS, ("runs/mine",), None, dry=False)) == ["mine"] and not path.exists()


def test_a_run_that_cannot_be_read_stays_unless_it_is_named(make_run: MakeRun, here: Path) -> None:
    path = make_run("mine")
    (path / "manifest.json").write_text("{")
    (path / "plan.jsonl").touch()
    aged(path, 100)
    (why,) = [why for _, why in clean(("runs",), (), None, dry=False).stays]
    assert "cannot be told whether it can be resumed" in why
    assert names(clean(("runs",), ("mine",), None, dry=False)) == ["mine"]


def test_what_a_living_run_holds_stays_even_when_it_is_named(make_run: MakeRun) -> None:
    path = make_run("mine")
    lock = RunDir(path).lock()
    try:
        done = clean(KINDS, ("mine",), None, dry=False)
        assert [why for _, why in done.stays] == ["a run is writing it"] and path.is_dir()
    finally:
        lock.release()
    assert names(clean(KINDS, ("mine",), None, dry=False)) == ["mine"]


def test_links_are_never_followed(make_run: MakeRun, here: Path, tmp_path: Path) -> None:
    elsewhere = make_run("real", root=tmp_path / "elsewhere")
    treasure = tmp_path / "treasure"
    treasure.mkdir()
    (treasure / "gold").touch()
    old = make_run("old")
    (old / "link").symlink_to(treasure)
    aged(old, 100)
    (here / "runs" / "linked").symlink_to(elsewhere)
    assert names(clean(("runs",), (), "0s", dry=False)) == ["old"]
    assert (treasure / "gold").exists() and elsewhere.is_dir()
    with pytest.raises(UsageError, match="a link is none"):
        clean(("runs",), ("linked",), None, dry=False)
    (here / "runs" / "linked").unlink()
    (here / "runs").rmdir()
    (here / "runs").symlink_to(tmp_path / "elsewhere")
    assert names(clean(("runs",), (), "0s", dry=False)) == [] and elsewhere.is_dir()
    assert names(clean(("runs",), (str(elsewhere),), None, dry=False)) == [str(elsewhere)]


def test_a_name_is_first_that_of_a_run_in_runs(make_run: MakeRun, here: Path) -> None:
    outside, inside, other = make_run("same", root=here), make_run("same"), make_run("out", root=here)
    assert [each.path for each, _ in clean(("runs",), ("same",), None, dry=False).removed] == [inside]
    assert outside.is_dir()
    make_run("same")
    assert [each.path for each, _ in clean(("runs",), ("./same", "out"), None, dry=False).removed] == [outside, other]
    assert inside.is_dir()


def test_what_is_no_run_is_left(here: Path) -> None:
    (here / "runs" / "thesis").mkdir(parents=True)
    (here / "runs" / "thesis" / "manifest.json").write_text('{"name": "a web page"}')
    (here / "runs" / "notes.txt").touch()
    aged(here / "runs", 100)
    assert clean(("runs",), (), None, dry=False) == Cleaned()
    for name in ("thesis", "runs/thesis", "..", "/", "nothing"):
        with pytest.raises(UsageError, match="no run of that name"):
            clean(("runs",), (name,), None, dry=False)


def test_a_removal_that_was_killed_is_ended(make_run: MakeRun, here: Path) -> None:
    make_run("old").rename(here / "runs" / ".removed-77-old")
    done = clean(("runs",), (), None, dry=False)
    assert names(done) == [".removed-77-old"] and list((here / "runs").iterdir()) == []


def test_what_cannot_be_removed_is_said(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    make_run("old")

    def refuse(*_: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(shutil, "rmtree", refuse)
    outcome = Clean(runs=True)()
    assert outcome.code == ExitCode.INFRASTRUCTURE
    assert outcome.value is not None and outcome.value["failed"][0]["why"] == "Permission denied"


def test_builds(tmp_path: Path) -> None:
    root = tmp_path / "build"
    for name in (
        "cache/aaaa",
        "cache/bbbb",
        "make-cccc",
        "zig-cache",
        "templates",
        "work/harness-20260101-smoke-ab",
        "work/harness-verify-x-1",
        "host",
    ):
        (root / name).mkdir(parents=True)
        (root / name / "file").write_bytes(b"x" * 10)
    aged(root, 100)
    aged(root / "cache" / "bbbb", 1)
    done = clean(("cache",), (), None, dry=False)
    kept = ["cache/aaaa", "make-cccc", "templates", "work/harness-verify-x-1", "zig-cache"]
    assert names(done) == kept and done.size == 50
    assert [each.name for each, _ in done.stays] == ["work/harness-20260101-smoke-ab"]
    assert (root / "host" / "file").exists()
    assert names(clean(("cache",), ("cache/bbbb",), None, dry=False)) == ["cache/bbbb"]
    with FileLock(root / ".lock"):
        (root / "cache" / "dddd").mkdir()
        busy = clean(("cache",), (), "0s", dry=False)
    assert ("cache/dddd", "a build is going on") in [(each.name, why) for each, why in busy.stays]


def test_a_work_folder_of_a_living_run_stays_even_when_it_is_named(tmp_path: Path) -> None:
    living, dead = (tmp_path / "build" / "work" / f"harness-{name}" for name in ("20260101-a", "20260101-b"))
    for folder, owner in ((living, Holder.me("a")), (dead, replace(Holder.me("b"), start=1))):
        folder.mkdir(parents=True)
        (folder / OWNER).write_text(owner.line)
    done = clean(("cache",), (f"work/{living.name}", f"work/{dead.name}"), None, dry=False)
    assert names(done) == [f"work/{dead.name}"] and living.is_dir()
    assert [why for _, why in done.stays] == [f"it is in use by a run (process {os.getpid()})"]


def test_state(isolated_state: Path) -> None:
    root = isolated_state / "harness"
    phone = PhoneId("A8812X", "Pixel 3", "blueline", "10.0.0.7:5555")
    quarantine.put(phone, "a hub at its end", 2)
    for name in (
        "settings/0123.json",
        "quarantine/4567.json",
        "baselines.json",
        "lab/phone/spec",
        "mine.txt",
        "leases/x.lock",
        "same-serial/89ab",
        "baselines.json.damaged.1",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("{}")
    aged(root, 100)
    done = clean(("state",), (), None, dry=False)
    assert names(done) == [
        *("baselines.json", "baselines.json.damaged.1", "leases/x.lock"),
        "quarantine/4567.json",  # it is none
    ]
    assert {each.name for each, _ in done.stays} == {
        *("settings/0123.json", "same-serial/89ab"),
        f"quarantine/{phone.digest}.json",
    }
    assert (root / "lab/phone/spec").exists() and (root / "mine.txt").exists()
    assert names(clean(("state",), ("settings/0123.json",), None, dry=False)) == ["settings/0123.json"]


@pytest.mark.parametrize(
    ("age", "expected"), [("30d", 30 * DAY), ("12h", 43200), ("2w", 14 * DAY), ("5m", 300), ("0s", 0)]
)
def test_ages(age: str, expected: float) -> None:
    assert seconds(age) == expected


@pytest.mark.parametrize("age", ["", "30", "d", "-1d", "1.5d", "1y", "9999999d"])
def test_what_is_no_age(age: str) -> None:
    with pytest.raises(UsageError, match="not an age"):
        seconds(age)


def test_the_command_says_what_it_did(make_run: MakeRun) -> None:
    with pytest.raises(UsageError, match="nothing is named"):
        Clean()()
    make_run("old")
    make_run("half", status="interrupted", code=130)
    outcome = Clean(runs=True)()
    assert outcome.code == ExitCode.DONE
    assert outcome.lines[0].startswith("removed runs/old  ") and outcome.lines[0].endswith(" bytes")
    assert outcome.lines[1] == "stays: runs/half: it can be resumed, and goes by its name only"
    assert outcome.value is not None
    assert [each["name"] for each in outcome.value["removed"]] == ["old"] and outcome.value["bytes"] > 1000
