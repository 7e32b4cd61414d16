"""Whether a device can run a worker: machine, interpreter, libraries, as its file and the device tell."""

from __future__ import annotations

import platform
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from harness.devices.base import Completed, Device, Identity
from harness.devices.local import LocalDevice
from harness.errors import DeviceLost, UsageError
from harness.exit_codes import ExitCode
from harness.measure.called import Named
from harness.measure.fitness import unfit
from harness.model.worker import Worker
from harness.paths import data_root
from tests.elf import program

pytestmark = pytest.mark.unit

AARCH64, ARM, X86_64 = 183, 40, 62
SCRIPT = (data_root() / "native/workers/worker.py").read_bytes()
OLDER = b"#!/usr/bin/env python3\n" + SCRIPT.replace(b"\nPROTOCOL = 2", b"\nPROTOCOL = 1")


@dataclass
class Phone:
    """One that has these files and these names in its library folders; it counts what it is asked."""

    files: set[str] = field(default_factory=set)
    libraries: tuple[str, ...] = ()
    abis: tuple[str, ...] = ("arm64-v8a", "armeabi-v7a")
    lost: bool = False
    asked: int = 0

    @property
    def identity(self) -> Identity:
        return Identity("S1", "adb", abis=self.abis)

    def run(self, argv: Sequence[str], **_: object) -> Completed:
        self.asked += 1
        if self.lost:
            raise DeviceLost("gone")
        if argv[0] == "ls":
            return Completed(tuple(argv), 1, "".join(f"{p}\n" for p in argv[2:] if p in self.files).encode(), b"")
        return Completed(tuple(argv), int(f"/system/bin/{argv[-1]}" not in self.files), b"", b"")

    def list_dir(self, path: str) -> tuple[str, ...]:
        self.asked += 1
        return self.libraries if path == "/system/lib64" else ()


def elf(machine: int = AARCH64, bits: int = 64) -> bytes:
    """The header of a static program without segments."""
    if bits == 32:
        header = (b"\x7fELF\1\1\1" + bytes(9), 2, machine, 1, 0, 0, 0, 0, 52, 32, 0, 40, 0, 0)
        return struct.pack("<16sHHIIIIIHHHHHH", *header)
    return struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1" + bytes(9), 2, machine, 1, 0, 0, 0, 0, 64, 56, 0, 64, 0, 0)


def named(*phones: Phone) -> list[Named]:
    return [(f"phone-{n}", cast(Device, phone)) for n, phone in enumerate(phones)]


def worker(folder: Path, data: bytes, *files: Path, mode: int = 0o755) -> Worker:
    program = folder / "program"
    program.write_bytes(data)
    program.chmod(mode)
    return Worker(name="x", program=program, files=files)


def dynamic(tmp_path: Path, **replaced: str) -> Worker:
    """A dynamically linked program of this machine, with texts of the same length in the place of others."""
    true = Path("/bin/true").resolve()
    data = true.read_bytes()
    for old, new in replaced.items():
        assert old.encode() in data, "not a program of glibc"
        data = data.replace(old.encode(), new.encode())
    return worker(tmp_path, data)


def test_a_program_for_another_machine_names_both(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        unfit(named(Phone(), Phone()), [worker(tmp_path, elf(X86_64))])
    assert str(caught.value).startswith(
        f"phone-0, phone-1: worker x: {tmp_path}/program is for 64-bit x86-64, the device runs arm64-v8a, armeabi-v7a"
    )
    assert caught.value.exit_code == ExitCode.USAGE
    assert unfit(named(Phone()), [worker(tmp_path, elf())]) == {}
    assert unfit(named(Phone()), [worker(tmp_path, elf(ARM, 32))]) == {}
    with pytest.raises(UsageError, match="is for 32-bit arm, the device runs arm64-v8a"):
        unfit(named(Phone(abis=("arm64-v8a",))), [worker(tmp_path, elf(ARM, 32))])


def test_what_one_device_lacks_is_its_own_failure(tmp_path: Path) -> None:
    found = unfit(named(Phone(abis=("x86_64",)), Phone()), [worker(tmp_path, elf())])
    assert list(found) == ["phone-0"]
    assert found["phone-0"].exit_code == ExitCode.INFRASTRUCTURE
    assert "is for 64-bit arm64, the device runs x86_64" in str(found["phone-0"])


@pytest.mark.parametrize(
    ("line", "lacks"),
    [
        ("#!/system/bin/sh", ""),
        ("#! /system/bin/sh -e", ""),
        ("#!/bin/bash", "is run by /bin/bash, which is not there"),
        ("#!/usr/bin/env python3", "is run by /usr/bin/env, which is not there"),
        ("#!/system/bin/env toybox", ""),
        ("#!/system/bin/env -S A=1 python3 -u", "python3 is not there"),
        ("#!/system/bin/sh\r", r"is run by /system/bin/sh\r, which is not there"),
    ],
)
def test_a_script_whose_interpreter_is_not_there(tmp_path: Path, line: str, lacks: str) -> None:
    phone = Phone({"/system/bin/sh", "/system/bin/env", "/system/bin/toybox"})
    script = worker(tmp_path, f"{line}\n".encode(), mode=0o644)  # brought as a program that may run
    if not lacks:
        assert unfit(named(phone), [script]) == {}
        return
    with pytest.raises(UsageError) as caught:
        unfit(named(phone), [script])
    assert lacks in caught.value.message and "/system/bin/sh" in caught.value.remedy


@pytest.mark.parametrize(
    ("data", "mode", "what"),
    [
        (elf(), 0o644, "is not executable"),
        (b"text", 0o644, "is not executable"),
        (b"text", 0o755, "is neither an ELF program nor a script"),
        (b"", 0o755, "is neither an ELF program nor a script"),
        (elf()[:20], 0o755, "not a whole ELF file"),
        (program(protocol=1), 0o755, "worker x: .*program: speaks worker protocol 1, this checkout protocol 2"),
        (OLDER, 0o755, "worker x: .*program: speaks worker protocol 1, this checkout protocol 2"),
    ],
)
def test_what_runs_nowhere_is_refused_before_a_device_is_asked(
    tmp_path: Path, data: bytes, mode: int, what: str
) -> None:
    phone = Phone()
    with pytest.raises(UsageError, match=what):
        unfit(named(phone), [worker(tmp_path, data, mode=mode)])
    assert phone.asked == 0


def test_what_tells_our_protocol_or_none_is_taken(tmp_path: Path) -> None:
    module = tmp_path / "worker.py"
    module.write_bytes(SCRIPT)
    for program_bytes in (program(), program(protocol=None), b"#!/system/bin/sh\n"):
        assert unfit(named(Phone({"/system/bin/sh"})), [worker(tmp_path, program_bytes, module)]) == {}
    module.write_bytes(OLDER)
    with pytest.raises(UsageError, match=r"worker\.py: speaks worker protocol 1"):
        unfit(named(Phone({"/system/bin/sh"})), [worker(tmp_path, b"#!/system/bin/sh\n", module)])


@pytest.mark.skipif(platform.machine() != "x86_64", reason="looks into a program of x86-64")
def test_loader_and_libraries_of_a_program_of_this_machine(tmp_path: Path) -> None:
    local: list[Named] = [("local", LocalDevice(tmp_path / "work"))]
    assert unfit(local, [dynamic(tmp_path)]) == {}
    with pytest.raises(UsageError, match=r"needs the library libx\.so\.6, which is neither beside it nor"):
        unfit(local, [lacking := dynamic(tmp_path, **{"libc.so.6": "libx.so.6"})])
    library = tmp_path / "libx.so.6"
    library.write_bytes(elf(X86_64))
    with pytest.raises(UsageError, match=r"libx\.so\.6, which is beside it, where it does not look") as caught:
        unfit(local, [lacking.model_copy(update={"files": (library,)})])
    assert "$ORIGIN" in caught.value.remedy
    library.write_bytes(elf(AARCH64))
    script = worker(tmp_path, b"#!/bin/sh\n", library)
    with pytest.raises(UsageError, match=r"libx\.so\.6 is for 64-bit arm64, the device runs x86_64"):
        unfit(local, [script])
    with pytest.raises(UsageError, match=r"needs the interpreter /lib64/ld-nowhe-x86-64\.so\.2"):
        unfit(local, [dynamic(tmp_path, **{"ld-linux-x86-64": "ld-nowhe-x86-64"})])


@pytest.mark.skipif(platform.machine() != "x86_64", reason="looks into a program of x86-64")
def test_the_libraries_of_a_phone(tmp_path: Path) -> None:
    loader = {"/lib64/ld-linux-x86-64.so.2"}
    has = Phone(loader, ("libc.so.6",), ("x86_64",))
    assert unfit(named(has), [dynamic(tmp_path)]) == {}
    with pytest.raises(UsageError, match=r"needs the library libc\.so\.6"):
        unfit(named(Phone(loader, (), ("x86_64",))), [dynamic(tmp_path)])


def test_a_phone_that_is_away_is_left_to_its_session(tmp_path: Path) -> None:
    script = worker(tmp_path, b"#!/bin/bash\n")
    assert unfit(named(Phone(lost=True)), [script]) == {}
    assert unfit(named(Phone(lost=True)), []) == {}


def test_many_workers_are_asked_for_together(tmp_path: Path) -> None:
    workers = []
    for n in range(10):
        (tmp_path / str(n)).mkdir()
        workers.append(worker(tmp_path / str(n), b"#!/system/bin/sh\n").model_copy(update={"name": f"x{n}"}))
    phones = [Phone({"/system/bin/sh"}) for _ in range(50)]
    assert unfit(named(*phones), workers) == {}
    assert {phone.asked for phone in phones} == {1}


def test_a_file_that_went_away_meanwhile_is_named(tmp_path: Path) -> None:
    made = worker(tmp_path, elf())
    made.program.unlink()
    with pytest.raises(UsageError, match="cannot be read"):
        unfit(named(Phone()), [made])
