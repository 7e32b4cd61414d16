"""convbench for the devices of a command, built before anything is timed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.devices.base import Device
from harness.errors import DeviceError, TransientError, UsageError
from harness.measure.request import Request
from harness.model.abi import DEFAULT_ABI, abi_for
from harness.paths import check_folders
from harness.toolchain import elf, ndk
from harness.toolchain.builder import Built, build
from harness.toolchain.toolchain import HOST


@dataclass(frozen=True)
class Programs:
    """convbench for each kind of device. ``abi``: the one that all phones get, HOST where there are none; "": of each
    phone's list the first that was built."""

    by_abi: dict[str, Built]
    abi: str = ""
    others: Sequence[Mapping[str, tuple[str, Path]]] = ()  # other builds, by ABI: what records call it, its file

    @property
    def has_one_for_phones(self) -> bool:
        """Whether there is one for more than this machine."""
        return self.abi != HOST

    def others_of(self, device: Device) -> list[tuple[str, Path]]:
        """The other builds for a device, in order."""
        return [other[self.abi_of(device)] for other in self.others]

    def abi_of(self, device: Device) -> str:
        """The ABI of its program; raises DeviceError where none that was built fits."""
        if device.identity.capabilities.runs_host_programs:
            return HOST
        abis = device.identity.abis
        has = ", ".join(abis) or "none that it tells"
        if self.abi:
            if self.abi not in abis:
                raise DeviceError(
                    f"the device does not run {self.abi}: its ABIs are {has}", "leave it out with --device"
                )
            return self.abi
        abi = abi_for(abis)
        if abi is None or abi not in self.by_abi:
            raise DeviceError(
                f"no program was built for the device: its ABIs are {has}",
                "start a run with it attached" if abi else "leave it out with --device",
            )
        return abi

    def of(self, device: Device) -> Built:
        """The program for a device; raises DeviceError where its ABIs do not fit."""
        abi = self.abi_of(device)
        built = self.by_abi[abi]
        if abi != HOST and built.info.get("interpreter") and _lacks_linker(device, abi):
            raise DeviceError(
                f"this emulated device has no {_linker(abi)}, which programs of an NDK need",
                "use --toolchain zig: its programs need nothing of the device",
            )
        return built


def build_programs(devices: Sequence[Device], request: Request, say: Callable[[str], None]) -> Programs:
    """Builds what these devices need, and nothing else. Raises UsageError or InfrastructureError."""
    check_folders()
    for_host = [device.identity.capabilities.runs_host_programs for device in devices]
    if all(for_host):
        if request.abi not in (None, HOST):
            raise UsageError(f"--abi {request.abi} does not run on `local`", "leave the option out, or attach a phone")
        if request.ndk is not None:
            raise UsageError("--ndk is for phones, and only `local` is measured", "leave the option out")
        return Programs({HOST: build(HOST, request.toolchain, None, say)}, HOST)
    if request.abi == HOST:
        raise UsageError("--abi host does not run on a phone", "leave the option out, or name --device local")
    phones: dict[str, list[Device]] = {}
    for device in devices:
        if not device.identity.capabilities.runs_host_programs:
            phones.setdefault(request.abi or abi_for(device.identity.abis) or DEFAULT_ABI, []).append(device)
    built = {abi: _build_for(abi, there, request, say) for abi, there in phones.items()}
    if any(for_host):
        built[HOST] = build(HOST, "auto", None, say)  # the options are about the phones
    return Programs(built, request.abi or "")


def _build_for(abi: str, phones: Sequence[Device], request: Request, say: Callable[[str], None]) -> Built:
    toolchain = request.toolchain
    if toolchain == "auto" and request.ndk is None and any(_may_lack_linker(phone, abi) for phone in phones):
        toolchain = "zig"
    return build(abi, toolchain, request.ndk, say)


def _may_lack_linker(device: Device, abi: str) -> bool:
    """One that is away just now may: zig's programs run on all of them."""
    try:
        return _lacks_linker(device, abi)
    except TransientError:
        return True


def _lacks_linker(device: Device, abi: str) -> bool:
    """Whether it is a virtual phone that cannot load dynamic programs; real ones all can, and are not asked."""
    if not device.identity.emulated:
        return False
    folder, _, name = _linker(abi).rpartition("/")
    return name not in device.list_dir(folder)


def _linker(abi: str) -> str:
    return elf.android_interpreter(ndk.table()["abis"].get(abi, {}).get("bits", 64))
