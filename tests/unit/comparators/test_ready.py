"""Which comparators can take part, and why not; what the commands print of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from harness.cli.program import run
from harness.comparators import building, fetching, places, ready
from harness.comparators.table import libraries, named
from harness.digest import sha256_of
from harness.errors import InfrastructureError, UsageError
from harness.exit_codes import ExitCode
from harness.measure.planning import builds_of
from harness.measure.request import Request
from harness.model.policy import load_policy

pytestmark = pytest.mark.unit
PHONE = "arm64-v8a"


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(places.VARIABLE, str(tmp_path / "comparators"))
    return tmp_path / "comparators"


def put(name: str, *files: str) -> None:
    """As if it had been fetched and built, of a build directory."""
    library = named(name, "").library
    building.keep_own(library, PHONE, building.Own(Path("/mine")))
    folder = places.built(library, PHONE)
    folder.mkdir(parents=True)
    for file in files:
        (folder / file).write_text("x")
    digests = {file: sha256_of(folder / file) for file in files}
    record: dict[str, object] = {"key": building._key(library, PHONE, building.Own(Path("/mine"))), "sha256": digests}
    record |= {"version": "of /mine", "program": files[0], "bytes": len(files)}
    (folder / places.RECORD).write_text(json.dumps(record))


def test_one_that_is_not_fetched_has_the_command_as_its_reason() -> None:
    (found,) = ready.asked(["acl-winograd"], [], lambda _: None)
    on = found.on(PHONE)
    assert on.absence.endswith("harness comparators fetch acl-winograd --abi arm64-v8a") and on.every == ()
    assert found.on("armeabi-v7a").absence == "there is no acl-winograd for armeabi-v7a"
    for names, taken in ((["acl", "acl"], []), (["acl"], ["acl"])):
        with pytest.raises(UsageError, match="is given twice"):
            ready.asked(names, taken, lambda _: None)


def test_builds_of_a_plan_share_a_folder_and_tell_what_is_absent() -> None:
    put("acl", "acl")
    found = ready.asked(["acl-gemm", "acl-fft", "xnnpack"], [], lambda _: None)
    request = Request("s", (), load_policy("quick"), ("indirect",), 1, comparators=found)
    assert request.worker_names == ["acl-gemm", "acl-fft", "xnnpack"]
    first, *others = builds_of(request.on(PHONE), "/run/convbench")
    assert [(b.index, b.exe, b.name) for b in others[:2]] == [
        (n, "/run/worker-acl/acl", name) for n, name in ((1, "acl-gemm"), (2, "acl-fft"))
    ]
    assert others[2].exe == "" and "comparators fetch xnnpack" in others[2].absent and not first.foreign


def test_a_worker_whose_files_or_sources_changed_is_built_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    put("acl", "acl")
    library = named("acl", "").library
    assert ready.state(named("acl-fft", ""), PHONE).command == ""
    (places.built(library, PHONE) / "acl").write_text("y")
    assert building.record_of(library, PHONE) is None

    def fails(*_: object) -> None:
        raise InfrastructureError("it does not build", "mend it")

    monkeypatch.setattr(building, "build", fails)
    (found,) = ready.asked(["acl"], [], lambda _: None)
    assert found.on(PHONE).absence == "it does not build; mend it"


def test_a_missing_compiler_is_named_with_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert ready.state(named("acl", ""), PHONE).command.startswith("apt-get install g++-aarch64-linux-gnu && harness ")
    assert run(["comparators", "list", "--abi", PHONE]) == ExitCode.DONE
    said = capsys.readouterr().out
    assert "acl-winograd     arm64-v8a  24.11" in said and "5.8 MB  apt-get install g++-aarch64-linux-gnu && " in said
    assert "licence of Arm Compute Library: MIT" in said and "ncnn" not in said


def test_list_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    put("acl", "acl")
    assert run(["comparators", "list", "--json"]) == ExitCode.DONE
    rows = {(row["name"], row["abi"]): row for row in json.loads(capsys.readouterr().out)["comparators"]}
    row = rows["acl-fft", PHONE]
    assert (row["ready"], row["fetched"], row["version"], row["bytes"]) == (True, True, "of /mine", 1)
    other = rows["xnnpack", PHONE]
    assert not other["fetched"] and other["command"] == "harness comparators fetch xnnpack --abi arm64-v8a"
    assert {name for name, _ in rows} == {name for library in libraries() for name in library.names if library.abis}


@pytest.mark.parametrize(
    ("argv", "what"),
    [
        (["nosuch"], "no comparator"),
        (["ncnn", "--abi", PHONE], "ncnn is not to be had for arm64-v8a"),
        (["acl", "--abi", "mips"], "--abi mips: there is none"),
        (["acl", "--from", "/"], "--from is one build"),
        (["acl", "--abi", PHONE, "--from", "/nosuch"], "there is no such folder"),
        (["acl", "--abi", PHONE, "--from", "/proc/self/fdinfo"], "it holds none of libarm_compute-static.a"),
        (["acl", "--compiler", "cc"], "--compiler is for a build of your own"),
    ],
)
def test_a_users_mistakes(argv: list[str], what: str, capsys: pytest.CaptureFixture[str], root: Path) -> None:
    assert run(["comparators", "fetch", *argv]) == ExitCode.USAGE
    assert what in capsys.readouterr().err
    assert not list(root.rglob("*.json"))


def test_fetch_goes_on_after_what_is_there(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    done = []
    monkeypatch.setattr(fetching, "fetch", lambda library, machine, _: done.append((library.library, machine)))
    monkeypatch.setattr(ready, "make_ready", lambda library, abi, _: done.append((library.library, abi)))
    assert run(["comparators", "fetch", "acl-fft", "acl", "--abi", PHONE]) == ExitCode.DONE
    assert done == [("acl", "aarch64"), ("acl", PHONE)]
    assert capsys.readouterr().out.startswith("ready: acl acl-gemm acl-gemm-conv2d")
