"""A start whose connection breaks: the program is found again, or it is known that there is none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.control.holder import Holder
from harness.control.orphans import OWNER
from harness.devices.base import RemoteProcess
from harness.devices.local import LocalDevice
from harness.errors import DeviceLost, TransientError
from harness.measure import device_folder
from harness.measure.device_folder import DeviceFolder
from harness.store.rundir import DeviceDir
from harness.toolchain.builder import Built

pytestmark = pytest.mark.unit


class Breaking(LocalDevice):
    """Loses the connection while a program is started, which is begun all the same or not."""

    begins = True

    def spawn(self, argv: Any, *, cwd: str, output: str) -> RemoteProcess:
        if self.begins:
            super().spawn(argv, cwd=cwd, output=output)
        raise DeviceLost("usb")


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DeviceFolder]:
    monkeypatch.setattr(device_folder, "_LOOK_S", 0.01)
    made = DeviceFolder(Breaking(tmp_path / "work"), "r", DeviceDir(tmp_path / "run").events)
    program = tmp_path / "convbench"
    program.write_text("#!/bin/sh\nsleep 300\n")
    made.install(Built(program, program, "0" * 40, "host", "host", 0.0, cached=True))
    yield made
    made.stop_all()


def test_a_program_that_was_started_is_found_and_not_started_twice(installed: DeviceFolder, tmp_path: Path) -> None:
    process = installed.start("4-7.1.plan", "4-7.1.jsonl", "4-7", 1)
    assert installed.device.alive(process)
    (event,) = DeviceDir(tmp_path / "run").events.named("spawned")
    assert event["pid"] == process.pid
    assert process.pid in installed.stop_all()
    assert not installed.device.alive(process)


def test_one_that_is_not_there_may_be_started_again(installed: DeviceFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Breaking, "begins", False)
    with pytest.raises(TransientError, match="usb; the program is not found") as lost:
        installed.start("4-7.1.plan", "4-7.1.jsonl", "4-7", 1)
    assert not isinstance(lost.value, DeviceLost)


def test_the_folder_tells_whose_it_is(installed: DeviceFolder) -> None:
    owner = Holder.parse(Path(f"{installed.folder}/{OWNER}").read_bytes())
    assert owner is not None and owner.run == "r" and owner.is_alive


def test_other_builds_lie_beside_ours_and_are_stopped_with_it(tmp_path: Path) -> None:
    device = LocalDevice(tmp_path / "work")
    made = DeviceFolder(device, "r", DeviceDir(tmp_path / "run").events)
    program = tmp_path / "convbench"
    program.write_text("#!/bin/sh\nsleep 300\n")
    built = Built(program, program, "0" * 40, "host", "host", 0.0, cached=True)
    made.install(built, others=[("ab" * 6, program)])
    path = f"{made.folder}/convbench-{'ab' * 6}"
    process = device.spawn([path, "worker"], cwd=made.folder, output=f"{made.folder}/log")
    assert made.others == ["ab" * 6] and process.pid in made.stop_all()
    assert not device.alive(process)
    (event,) = DeviceDir(tmp_path / "run").events.named("installed")
    assert event["others"] == ["ab" * 6]
