"""Whether devices can run the workers of somebody else: asked before anything is measured."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness.devices.base import Device
from harness.errors import DeviceError, UsageError
from harness.measure.called import Named
from harness.measure.greeting import check_protocol, protocol_in
from harness.measure.needs import Needs, needs_of
from harness.model.wording import printable
from harness.model.worker import Worker
from harness.paths import data_root

# By ABI, and by what a host calls its machine: e_machine of an ELF file, and its bits.
_MACHINES = {
    "arm64-v8a": ("EM_AARCH64", 64),
    "aarch64": ("EM_AARCH64", 64),
    "armeabi-v7a": ("EM_ARM", 32),
    "armeabi": ("EM_ARM", 32),
    "x86_64": ("EM_X86_64", 64),
    "x86": ("EM_386", 32),
    "riscv64": ("EM_RISCV", 64),
}
_ANDROID = (
    *("/system/{lib}", "/system_ext/{lib}", "/product/{lib}", "/odm/{lib}", "/vendor/{lib}"),
    "/apex/com.android.runtime/{lib}/bionic",
)
_HOST = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib")
_LDCONFIG = ("/sbin/ldconfig", "-p")
_ALIKE = 8  # devices are asked at the same time

Read = Sequence[tuple[Worker, Sequence[tuple[Path, Needs]]]]
WhyNot = Callable[[Sequence[Device], Read], Sequence[DeviceError | None]]


def read_workers(workers: Iterable[Worker]) -> Read:
    """What each worker needs. Raises UsageError where one is nothing that runs anywhere, or tells another protocol."""
    read = [(worker, needs_of(worker)) for worker in workers]
    for worker, files in read:
        for path, needs in files:
            if needs.protocol:
                check_protocol(f"worker {worker.name}: {printable(path)}", needs.protocol, protocol_in(data_root()))
    return read


def asked_here(devices: Sequence[Device], read: Read) -> list[DeviceError | None]:
    """For each device why it cannot run the workers; None where it can, or does not tell (its session will)."""
    with ThreadPoolExecutor(max_workers=_ALIKE) as pool:
        return list(pool.map(lambda device: why_not(device, read), devices))


def unfit(devices: Sequence[Named], workers: Sequence[Worker], asked: WhyNot = asked_here) -> dict[str, DeviceError]:
    """By name, the devices that cannot run a worker, with the reason. ``asked``: who asks them.

    Raises UsageError where none can run all of them, or a worker runs nowhere.
    """
    read = read_workers(workers)
    if not read:
        return {}
    reasons = asked([device for _, device in devices], read)
    found = {name: why for (name, _), why in zip(devices, reasons, strict=True) if why is not None}
    if len(found) == len(devices):
        same: dict[tuple[str, str], list[str]] = {}
        for name, why in found.items():
            same.setdefault((why.message, why.remedy), []).append(name)
        told = "; ".join(f"{', '.join(names)}: {message}" for (message, _), names in same.items())
        raise UsageError(told, "; ".join(dict.fromkeys(remedy for _, remedy in same)))
    return found


def why_not(device: Device, read: Read) -> DeviceError | None:
    """The first thing that the device lacks; None where it has all, or does not tell (its session will)."""
    try:
        found = _Device(device, read)
        for worker, files in read:
            names = {each.name for each in worker.every}
            program = files[0][1]
            for path, needs in files:
                # An interpreter loads what it likes from where it likes; a program passes some of its places on.
                looks = bool(program.command) or program.looks_beside or needs.looks_beside
                if (lack := found.lack(needs, names, looks_beside=looks)) is not None:
                    what, remedy = lack
                    return DeviceError(
                        f"worker {worker.name}: {printable(path)} {what}", remedy.format(worker=f"{worker.name}=...")
                    )
    except DeviceError:
        return None
    return None


class _Device:
    """What a device has of all that workers need; asked for once."""

    def __init__(self, device: Device, read: Read) -> None:
        every = [needs for _, files in read for _, needs in files]
        self._device = device
        self._is_host = device.identity.capabilities.runs_host_programs
        self._abis = device.identity.abis
        self._machines = {_MACHINES[abi] for abi in self._abis if abi in _MACHINES}
        self._paths = self._present({needs.command[0] if needs.command else needs.interpreter for needs in every})
        self._commands: dict[str, bool] = {}
        wanted = {needs.bits for needs in every if needs.libraries}
        folders = {folder for needs in every for folder in needs.folders}
        self._libraries = {bits: self._names(bits, folders) for bits in wanted}

    def lack(self, needs: Needs, beside: set[str], *, looks_beside: bool) -> tuple[str, str] | None:
        """What it lacks and the remedy; ``beside``: names of the files that lie with the program."""
        if needs.command:
            return self._lack_of_script(needs.command)
        if not needs.machine:
            return None
        if self._machines and (needs.machine, needs.bits) not in self._machines:
            runs = ", ".join(self._abis)
            return f"is for {needs.machine_name}, the device runs {runs}", "build it for that, or leave the device out"
        if needs.interpreter and needs.interpreter not in self._paths:
            return (
                f"needs the interpreter {printable(needs.interpreter)}, which is not there",
                "link it statically, or build it with the toolchain of that device",
            )
        return self._lack_of_library(needs, beside, looks_beside=looks_beside)

    def _lack_of_library(self, needs: Needs, beside: set[str], *, looks_beside: bool) -> tuple[str, str] | None:
        for library in needs.libraries:
            name = library.rpartition("/")[2]
            if name in self._libraries[needs.bits] or (name in beside and looks_beside):
                continue
            what = f"needs the library {printable(library)}, which is"
            if name in beside:
                return f"{what} beside it, where it does not look", "link with -Wl,-rpath,'$ORIGIN', or statically"
            remedy = "name the library too (--worker {worker},LIBRARY), or link it statically"
            return f"{what} neither beside it nor among the system's", remedy
        return None

    def _lack_of_script(self, command: tuple[str, ...]) -> tuple[str, str] | None:
        interpreter, *words = command
        remedy = "name an interpreter in its first line that is there (on Android: /system/bin/sh)"
        if interpreter not in self._paths:
            return f"is run by {printable(interpreter)}, which is not there", remedy
        if interpreter.endswith("/env"):
            program = next((word for word in words if not word.startswith("-") and "=" not in word), "")
            if program and not self._finds(program):
                return f"is run by {printable(' '.join(command))}, and {printable(program)} is not there", remedy
        return None

    def _present(self, paths: set[str]) -> set[str]:
        wanted = sorted(path for path in paths if path.startswith("/") and path.isprintable())
        if not wanted:
            return set()
        return set(self._device.run(["ls", "-1dL", *wanted]).text.splitlines())

    def _finds(self, program: str) -> bool:
        if program not in self._commands:
            self._commands[program] = self._device.run(["sh", "-c", 'command -v "$1"', "sh", program]).code == 0
        return self._commands[program]

    def _names(self, bits: int, folders: set[str]) -> set[str]:
        """The names of the libraries that a loader finds."""
        if not self._is_host:
            lib = "lib64" if bits == 64 else "lib"
            places = {place.format(lib=lib) for place in _ANDROID} | folders
            return {name for place in places for name in self._device.list_dir(place)}
        beyond = [folder for folder in os.environ.get("LD_LIBRARY_PATH", "").split(":") if folder]
        multiarch = [f"{place}/{self._abis[0]}-linux-gnu" for place in ("/lib", "/usr/lib") if self._abis]
        names = {name for place in {*_HOST, *multiarch, *beyond, *folders} for name in self._device.list_dir(place)}
        try:
            return names | set(re.findall(r"^\s+(\S+) \(", self._device.run(_LDCONFIG).text, re.MULTILINE))
        except DeviceError:  # no ldconfig here: musl has none
            return names
