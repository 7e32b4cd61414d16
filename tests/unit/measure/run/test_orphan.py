"""What a killed host left running on a device: found by its folder, stopped, and its records taken over."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.devices.base import RemoteProcess
from harness.devices.local import LocalDevice
from harness.errors import InfrastructureError
from harness.measure.device_folder import DeviceFolder, programs_of
from harness.measure.run.orphan import attempts_of, take_over
from harness.model.worker import Worker
from harness.store.recordsfile import RecordsFile
from harness.store.rundir import DeviceDir
from harness.toolchain.builder import Built
from tests import variants

pytestmark = pytest.mark.unit

# Stands for convbench: writes its records to the file after --out, with a child, as a conductor has workers.
PROGRAM = """#!/bin/sh
printf '%s\\n' '{"type":"block","seq":1,"launch":0,"layer":"a","rounds":1,"rounds_planned":1,"elapsed_s":1}' >>"$4"
sleep 300 &
sleep 300
"""
HEADER = variants.HEADER | {"cluster": "4-7", "cpu": 7}


@pytest.fixture
def installed(tmp_path: Path) -> Iterator[DeviceFolder]:
    """The program in its folder on this machine; what still runs ends with the test."""
    made = DeviceFolder(LocalDevice(tmp_path / "work"), "r", DeviceDir(tmp_path / "run").events)
    made.device.make_dir(made.folder)
    Path(made.program).write_text(PROGRAM)
    Path(made.program).chmod(0o755)
    yield made
    made.stop_all()


@pytest.fixture
def directory(tmp_path: Path) -> DeviceDir:
    return DeviceDir(tmp_path / "run")


def wait_for(installed: DeviceFolder, output: str) -> None:
    """Until the program has written something."""
    deadline = time.monotonic() + 10
    while not installed.device.read_from(f"{installed.folder}/{output}", 0).endswith(b"1}\n"):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_program_whose_host_died_before_it_wrote_the_process_down(
    installed: DeviceFolder, directory: DeviceDir
) -> None:
    process = installed.start("4-7.1.plan", "4-7.1.jsonl", "4-7", 1)
    wait_for(installed, "4-7.1.jsonl")
    events = directory.path / "events.jsonl"
    kept = [line for line in events.read_text().splitlines() if '"spawned"' not in line]
    assert len(kept) == 1
    events.write_text(kept[0] + "\n")
    take_over(installed, directory)
    assert not installed.device.alive(process)
    assert programs_of(installed.device, installed.program) == []
    assert directory.records.read_bytes().startswith(b'{"type":"block"')
    assert process.pid in [event["pid"] for event in directory.events.named("orphan stopped")]
    assert len(directory.events.named("orphan taken over")) == 1


def test_only_programs_of_this_folder_are_stopped(installed: DeviceFolder, tmp_path: Path) -> None:
    other = DeviceFolder(installed.device, "r2", DeviceDir(tmp_path / "other").events)
    other.device.make_dir(other.folder)
    Path(other.program).write_text(PROGRAM)
    Path(other.program).chmod(0o755)
    stranger = other.start("4-7.1.plan", "4-7.1.jsonl", "4-7", 1)
    try:
        ours = installed.start("4-7.1.plan", "4-7.1.jsonl", "4-7", 1)
        assert ours.pid in installed.stop_all()
        assert not installed.device.alive(ours)
        assert installed.device.alive(stranger)
    finally:
        other.stop_all()


def test_each_attempt_is_taken_over_once(installed: DeviceFolder, directory: DeviceDir) -> None:
    header = json.dumps(HEADER).encode() + b"\n"
    second = header.replace(b'"attempt": 1', b'"attempt": 2')
    for number, data in ((1, header), (2, second)):
        directory.events.add("spawning", cluster="4-7", attempt=number, output=f"4-7.{number}.jsonl")
        Path(f"{installed.folder}/4-7.{number}.jsonl").write_bytes(data)
    RecordsFile(directory.records).append(header)
    for _ in range(2):
        take_over(installed, directory)
        assert directory.records.read_bytes() == header + second


def test_attempts_that_left_no_record_count(directory: DeviceDir) -> None:
    directory.events.add("spawning", cluster="4-7", attempt=1, output="4-7.1.jsonl")
    directory.events.add("spawned", cluster="4-7", attempt=1, output="4-7.1.jsonl", pid=1)
    directory.events.add("spawning", cluster="0-3", attempt=3, output="0-3.3.jsonl")
    directory.events.add("spawning", cluster="0-3", attempt="x", output="0-3.x.jsonl")
    directory.events.add("spawned")
    assert attempts_of(directory.events) == {("4-7", 1): "4-7.1.jsonl", ("0-3", 3): "0-3.3.jsonl"}


def test_a_program_that_cannot_be_written_down_is_stopped(
    installed: DeviceFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = type(installed._events).add

    def full(self: object, event: str, **fields: object) -> None:
        if event == "spawned":
            raise InfrastructureError("the disk is full")
        add(installed._events, event, **fields)

    monkeypatch.setattr(type(installed._events), "add", full)
    with pytest.raises(InfrastructureError, match="full"):
        installed.start("4-7.1.plan", "4-7.1.jsonl", "4-7", 1)
    assert programs_of(installed.device, installed.program) == []


def test_a_device_without_attempts_is_not_searched(directory: DeviceDir, tmp_path: Path) -> None:
    class Untouched(LocalDevice):
        def list_dir(self, path: str, *, deadline_s: float = 30.0) -> tuple[str, ...]:
            raise AssertionError(path)

    take_over(DeviceFolder(Untouched(tmp_path / "work"), "r", directory.events), directory)


def test_a_pid_of_another_process_is_not_killed(installed: DeviceFolder) -> None:
    process = installed.start("4-7.1.plan", "4-7.1.jsonl", "4-7", 1)
    installed.device.kill(RemoteProcess(process.pid, process.start_ticks + 1, process.boot_id))
    assert installed.device.alive(process)


def test_workers_of_somebody_else_are_brought_with_their_files_and_stopped(
    installed: DeviceFolder, tmp_path: Path
) -> None:
    script, tool, file = tmp_path / "a b.sh", tmp_path / "tool", tmp_path / "data"
    script.write_text("#!/bin/sh\nsleep 300\n")
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    file.write_text("data")
    worker = Worker(name="x.y", program=script, files=(tool, file))
    program = Path(installed.program).rename(tmp_path / "convbench")
    built = Built(program, program, "0" * 40, "host", "host", 0.0, cached=True)
    installed.install(built, [worker])
    folder = Path(installed.folder) / "worker-x.y"
    modes = {path.name: path.stat().st_mode & 0o111 != 0 for path in folder.iterdir()}
    assert modes == {"a b.sh": True, "tool": True, "data": False}
    with subprocess.Popen([str(folder / "a b.sh"), "worker"], start_new_session=True) as process:
        deadline = time.monotonic() + 10
        while process.pid not in installed.stop_all():
            assert time.monotonic() < deadline
        assert process.wait(10) < 0
    installed.remove()
    assert not folder.exists()
