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
    abis: tuple[str, ...] = (ABI,)

    @property
    def identity(self) -> Identity:
        return Identity("S", "adb", abis=self.abis, emulated=self.emulated)

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


def request(toolchain: str = "auto", ndk: Path | None = None, abi: str | None = None) -> Request:
    return Request("s", (), Policy(name="p"), (), 1, toolchain=toolchain, ndk=ndk, abi=abi)


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


@pytest.mark.parametrize(
    ("abis", "forced", "got"),
    [
        (("arm64-v8a", "armeabi-v7a", "armeabi"), None, "arm64-v8a"),
        (("armeabi-v7a", "armeabi"), None, "armeabi-v7a"),
        (("x86_64", "arm64-v8a"), None, "x86_64"),
        (("x86", "armeabi-v7a"), None, "armeabi-v7a"),
        (("arm64-v8a", "armeabi-v7a"), "armeabi-v7a", "armeabi-v7a"),
    ],
)
def test_the_first_of_the_phones_list_or_the_named_one(
    built: list[str], abis: tuple[str, ...], forced: str | None, got: str
) -> None:
    assert program(request(abi=forced), Phone(False, (), abis=abis)).abi == got
    assert built == ["auto"]


def test_each_abi_is_built_once_and_one_that_does_not_fit_is_refused(built: list[str]) -> None:
    old, new = Phone(False, (), abis=("armeabi-v7a",)), Phone(False, ())
    phones = [cast(Device, phone) for phone in (old, new, old)]
    found = programs.build_programs(phones, request(), lambda _line: None)
    assert [found.of(phone).abi for phone in phones] == ["armeabi-v7a", ABI, "armeabi-v7a"]
    assert len(built) == 2
    with pytest.raises(DeviceError, match="no program was built for the device: its ABIs are x86_64"):
        found.of(cast(Device, Phone(False, (), abis=("x86_64",))))
    with pytest.raises(DeviceError, match="does not run arm64-v8a: its ABIs are armeabi-v7a"):
        program(request(abi=ABI), old)


def test_a_32_bit_program_of_an_ndk_needs_the_other_linker(built: list[str]) -> None:
    with pytest.raises(DeviceError, match=r"has no /system/bin/linker,"):
        program(request("ndk"), Phone(True, ("sh", "linker64"), abis=("armeabi-v7a",)))
