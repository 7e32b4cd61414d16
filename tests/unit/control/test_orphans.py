"""What dead runs left: found by folder and program, stopped, removed; records stay until they are dropped by name."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.control.holder import Holder
from harness.control.orphans import OWNER, leftovers, sweep
from harness.devices.base import RemoteProcess
from harness.devices.local import LocalDevice

pytestmark = pytest.mark.unit


class Bench(LocalDevice):
    """This machine, with folders of runs in them; what still runs ends with the test."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.root = Path(self.work_root())
        self.begun: list[RemoteProcess] = []

    def folder(self, run: str, *files: str, owner: Holder | None = None) -> Path:
        made = self.root / f"harness-{run}"
        made.mkdir()
        for name in files:
            (made / name).write_text("{}")
        if owner is not None:
            (made / OWNER).write_bytes(owner.line.encode())
        return made

    def start(self, run: str, program: str = "convbench") -> RemoteProcess:
        folder = self.root / f"harness-{run}"
        folder.mkdir(exist_ok=True)
        file = folder / program
        file.parent.mkdir(exist_ok=True)
        file.write_text("#!/bin/sh\nsleep 300 & sleep 300\n")
        file.chmod(0o755)
        process = self.spawn([str(file), "run"], cwd=str(folder), output=str(folder / "log"))
        deadline = time.monotonic() + 10
        while not _has_two_sleepers(process.pid):  # until then a child of the shell has the shell's own arguments
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert any(each.process.pid == process.pid for each in self.running(str(file)))
        self.begun.append(process)
        return process


def _has_two_sleepers(pid: int) -> bool:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [Path(f"/proc/{child}/comm").read_text() for child in children] == ["sleep\n"] * 2


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "work")
    yield made
    for process in made.begun:
        made.kill(process)


ME = Holder.me("r")
ELSEWHERE = replace(ME, host="lab", kernel="another boot")
DEAD = replace(ME, start=ME.start + 1)  # the number belongs to another process by now


def test_programs_are_stopped_and_folders_removed_save_those_with_records(bench: Bench) -> None:
    first, second, own = bench.start("a"), bench.start("b", "worker-x/tool"), bench.start("mine")
    bench.folder("c", "4-7.1.jsonl", owner=ELSEWHERE)
    bench.folder("verify-smoke-1", "verify.plan", "0-3.1.jsonl")
    bench.folder("lock", "holder")
    (bench.root / "somebody-else").mkdir()
    done = sweep(bench, "mine")
    assert not bench.alive(first) and not bench.alive(second) and bench.alive(own)
    assert (sorted(done.removed), [each.run for each in done.kept]) == (["a", "b", "verify-smoke-1"], ["c"])
    assert done.stopped == 2
    assert sorted(path.name for path in bench.root.iterdir()) == [
        "harness-c",
        "harness-lock",
        "harness-mine",
        "somebody-else",
    ]
    assert "run c of host lab has records here" in done.lines[-1]
    assert "harness restore --drop c" in done.lines[-1]
    assert sweep(bench, "mine").removed == ()
    assert sweep(bench, "mine", drop=["c"]).removed == ("c",)
    assert sorted(path.name for path in bench.root.iterdir()) == ["harness-lock", "harness-mine", "somebody-else"]


def test_what_a_living_process_of_this_host_owns_is_left_alone(bench: Bench) -> None:
    process = bench.start("a")
    (bench.root / "harness-a" / OWNER).write_text(ME.line)
    assert leftovers(bench) == []
    (bench.root / "harness-a" / OWNER).write_text(DEAD.line)
    (found,) = leftovers(bench)
    assert (found.run, found.has_folder, found.has_records) == ("a", True, False)
    assert process in found.programs


def test_a_program_whose_folder_is_gone_is_stopped(bench: Bench) -> None:
    process = bench.start("a")
    bench.remove_tree(f"{bench.root}/harness-a")
    done = sweep(bench)
    assert (done.stopped, done.removed, done.kept) == (1, (), ())
    assert not bench.alive(process)


def test_a_clean_device_costs_three_looks_and_says_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def counted(name: str, original: Any) -> Any:
        return lambda *a, **named: calls.append(name) or original(*a, **named)  # type: ignore[func-returns-value]

    for name in ("running", "list_dir", "read_files", "kill", "remove_tree"):
        monkeypatch.setattr(bench, name, counted(name, getattr(bench, name)))
    assert sweep(bench).lines == []
    assert calls == ["running", "list_dir", "read_files"]


def test_without_the_lock_only_what_is_known_to_be_dead_is_swept(bench: Bench) -> None:
    living, unknown = bench.start("living"), bench.start("unknown")
    (bench.root / "harness-living" / OWNER).write_text(ELSEWHERE.line)
    contained = replace(DEAD, kernel=ME.kernel.split()[0] + " 4026539999")  # another container's process ids
    bench.folder("contained", owner=contained)
    bench.folder("dead", owner=DEAD)
    done = sweep(bench, "mine", alone=False)
    assert bench.alive(living) and bench.alive(unknown)
    assert done.removed == ("dead",)
    assert {each.run for each in done.spared} == {"living", "unknown", "contained"}
    assert any("run living of host lab may be at work here" in line for line in done.lines)
    assert sweep(bench, "mine", drop=["unknown"], alone=False).removed == ("unknown",)  # it was asked for by name
    assert len(sweep(bench, "mine").removed) == 2
