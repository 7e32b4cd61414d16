"""Which program a device gets: that of an NDK needs Android's linker, which virtual phones lack."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from harness.devices.base import Device, Identity
from harness.errors import DeviceError, DeviceLost
from harness.measure import programs
from harness.measure.request import Request
from harness.model.policy import Policy
from harness.toolchain.builder import Built

pytestmark = pytest.mark.unit

ABI = "arm64-v8a"
LINKER = "/system/bin/linker64"


@dataclass
class Phone:
    """A device as far as it is asked here."""

    emulated: bool
    files: tuple[str, ...]
    asked: int = 0
    is_away: bool = False

    @property
    def identity(self) -> Identity:
        return Identity("S", "adb", abis=(ABI,), emulated=self.emulated)

    def list_dir(self, path: str) -> tuple[str, ...]:
        assert path == "/system/bin"
        self.asked += 1
        if self.is_away:
            self.is_away = False
            raise DeviceLost("S: device offline")
        return self.files


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The toolchains that were asked for."""
    asked: list[str] = []

    def build(abi: str, toolchain: str, _ndk: Path | None, _say: Callable[[str], None]) -> Built:
        asked.append(toolchain)
        info = {"interpreter": "" if toolchain == "zig" else LINKER}
        return Built(Path("p"), Path("l"), "0" * 40, toolchain, abi, 0.0, True, info)

    monkeypatch.setattr(programs, "build", build)
    return asked


def program(request: Request, *phones: Phone) -> Built:
    """What the last phone gets."""
    devices = [cast(Device, phone) for phone in phones]
    return programs.build_programs(devices, request, lambda _line: None).of(devices[-1])


def request(toolchain: str = "auto", ndk: Path | None = None) -> Request:
    return Request("s", (), Policy(name="p"), (), 1, toolchain=toolchain, ndk=ndk)


@pytest.mark.parametrize(
    ("phone", "toolchain"),
    [
        (Phone(True, ("sh",)), "zig"),
        (Phone(True, ("sh", "linker64")), "auto"),
        (Phone(False, ()), "auto"),
        (Phone(True, ("sh", "linker64"), is_away=True), "zig"),
    ],
)
def test_auto_takes_zig_for_a_virtual_phone_without_linker(built: list[str], phone: Phone, toolchain: str) -> None:
    assert program(request(), phone).toolchain == toolchain
    assert built == [toolchain]
    assert phone.asked == 0 or phone.emulated


@pytest.mark.parametrize("forced", [request("ndk"), request("auto", Path("/ndk"))])
def test_a_forced_ndk_is_refused_there_with_the_remedy(built: list[str], forced: Request) -> None:
    with pytest.raises(DeviceError, match="has no /system/bin/linker64") as caught:
        program(forced, Phone(True, ("sh",)))
    assert "--toolchain zig" in caught.value.remedy
    assert program(forced, Phone(True, ("sh",)), Phone(False, ())).info["interpreter"] == LINKER
