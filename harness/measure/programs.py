"""convbench for the devices of a command, built before anything is timed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.devices.base import Device
from harness.errors import DeviceError, TransientError, UsageError
from harness.measure.request import Request
from harness.paths import check_folders
from harness.toolchain import elf
from harness.toolchain.builder import Built, build
from harness.toolchain.toolchain import DEFAULT_ABI, HOST


@dataclass(frozen=True)
class Programs:
    """convbench for each kind of device."""

    by_abi: dict[str, Built]
    abi: str
    others: Sequence[Mapping[str, tuple[str, Path]]] = ()  # other builds, by ABI: what records call it, its file

    @property
    def has_one_for_phones(self) -> bool:
        """Whether there is one for more than this machine."""
        return self.abi != HOST

    def others_of(self, device: Device) -> list[tuple[str, Path]]:
        """The other builds for a device, in order."""
        abi = HOST if device.identity.capabilities.runs_host_programs else self.abi
        return [other[abi] for other in self.others]

    def of(self, device: Device) -> Built:
        """The program for a device; raises DeviceError where its ABIs do not fit."""
        if device.identity.capabilities.runs_host_programs:
            return self.by_abi[HOST]
        if self.abi not in device.identity.abis:
            has = ", ".join(device.identity.abis) or "none that it tells"
            raise DeviceError(f"the device does not run {self.abi}: its ABIs are {has}", "leave it out with --device")
        built = self.by_abi[self.abi]
        if built.info.get("interpreter") and _lacks_linker(device):
            raise DeviceError(
                f"this emulated device has no {elf.ANDROID_INTERPRETER}, which programs of an NDK need",
                "use --toolchain zig: its programs need nothing of the device",
            )
        return built


def build_programs(devices: Sequence[Device], request: Request, say: Callable[[str], None]) -> Programs:
    """Builds what these devices need, and nothing else. Raises UsageError or InfrastructureError."""
    check_folders()
    for_host = [device.identity.capabilities.runs_host_programs for device in devices]
    abi = request.abi or DEFAULT_ABI
    if all(for_host):
        if request.abi not in (None, HOST):
            raise UsageError(f"--abi {request.abi} does not run on `local`", "leave the option out, or attach a phone")
        if request.ndk is not None:
            raise UsageError("--ndk is for phones, and only `local` is measured", "leave the option out")
        return Programs({HOST: build(HOST, request.toolchain, None, say)}, HOST)
    if abi == HOST:
        raise UsageError("--abi host does not run on a phone", "leave the option out, or name --device local")
    toolchain = request.toolchain
    if toolchain == "auto" and request.ndk is None and any(map(_may_lack_linker, devices)):
        toolchain = "zig"
    built = {abi: build(abi, toolchain, request.ndk, say)}  # the options are about the phones
    if any(for_host):
        built[HOST] = build(HOST, "auto", None, say)
    return Programs(built, abi)


def _may_lack_linker(device: Device) -> bool:
    """One that is away just now may: zig's programs run on all of them."""
    try:
        return _lacks_linker(device)
    except TransientError:
        return True


def _lacks_linker(device: Device) -> bool:
    """Whether it is a virtual phone that cannot load dynamic programs; real ones all can, and are not asked."""
    if not device.identity.emulated:
        return False
    folder, _, name = elf.ANDROID_INTERPRETER.rpartition("/")
    return name not in device.list_dir(folder)
