"""What is asked of a device before a program is put there."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.devices.base import Device
from harness.errors import DeadlineExceeded, DeviceError, DeviceLost
from harness.measure.device_folder import DeviceFolder
from harness.model.condition import Condition
from harness.store.journal import EventLog
from harness.toolchain.builder import Built

pytestmark = pytest.mark.unit


class Phone:
    def __init__(self, free: int | Exception) -> None:
        self.free = free
        self.pushed: list[str] = []

    def work_root(self) -> str:
        return "/data/local/tmp"

    def make_dir(self, path: str) -> None:
        pass

    def free_bytes(self, path: str) -> int:
        if isinstance(self.free, Exception):
            raise self.free
        return self.free

    def push(self, source: Path, target: str, **_: Any) -> None:
        self.pushed.append(target)


def install(tmp_path: Path, phone: Phone, stamps: list[Condition]) -> None:
    program = tmp_path / "convbench"
    program.write_bytes(b"x")
    folder = DeviceFolder(cast(Device, phone), "r", EventLog(tmp_path / "events.jsonl"), stamps.append)
    folder.install(cast(Built, SimpleNamespace(path=program, build_id="0" * 40)))


@pytest.mark.parametrize("error", [DeviceError("exit code 127: df: not found"), DeadlineExceeded("df took longer")])
def test_a_phone_that_does_not_tell_its_free_space_is_measured_and_it_is_said(tmp_path: Path, error: Exception) -> None:
    phone, stamps = Phone(error), list[Condition]()
    install(tmp_path, phone, stamps)
    assert phone.pushed == [f"/data/local/tmp/harness-r/{name}" for name in ("owner", "convbench")]
    assert [(stamp.name, stamp.what) for stamp in stamps] == [("SPACE_UNKNOWN", str(error))]


def test_too_little_space_and_a_lost_phone_end_it(tmp_path: Path) -> None:
    stamps: list[Condition] = []
    with pytest.raises(DeviceError, match="too little space"):
        install(tmp_path, Phone(1000), stamps)
    with pytest.raises(DeviceLost):
        install(tmp_path, Phone(DeviceLost("gone")), stamps)
    assert stamps == []
