"""ELF checks on files made here byte by byte; tests/native does the same to real ones."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from harness.errors import InfrastructureError
from harness.exit_codes import ExitCode
from harness.toolchain import elf

pytestmark = pytest.mark.unit

AARCH64, X86_64, EXEC, DYN, REL = 183, 62, 2, 3, 1
LOAD, INTERP, NOTE = 1, 3, 4


def make(
    *,
    machine: int = AARCH64,
    kind: int = EXEC,
    aligns: tuple[int, ...] = (16384, 16384),
    interpreter: str = "",
    build_id: bytes = bytes(range(20)),
    skew: int = 0,
) -> bytes:
    """A 64-bit little-endian ELF file: headers, an interpreter, a note, and a section table at its very end."""
    note = struct.pack("<III4s", 4, len(build_id), 3, b"GNU\0") + build_id if build_id else b""
    name = interpreter.encode() + b"\0" if interpreter else b""
    count = len(aligns) + bool(note) + bool(name)
    at = 64 + 56 * count
    segments = []
    if name:
        segments.append((INTERP, at, len(name), 1, 0))
    if note:
        segments.append((NOTE, at + len(name), len(note), 4, 0))
    body = name + note
    end = at + len(body)
    segments += [(LOAD, 0, end, align, 1 << 24 | skew if i else 0) for i, align in enumerate(aligns)]
    headers = b"".join(
        struct.pack("<IIQQQQQQ", kind_, 5, offset, vaddr, vaddr, size, size, align)
        for kind_, offset, size, align, vaddr in segments
    )
    names = b"\0"
    sections = struct.pack("<IIQQQQIIQQ", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0) + struct.pack(
        "<IIQQQQIIQQ", 0, 3, 0, 0, end, len(names), 0, 0, 1, 0
    )
    header = struct.pack(
        "<16sHHIQQQIHHHHHH",
        b"\x7fELF\2\1\1" + bytes(9),
        kind,
        machine,
        1,
        0,
        64,
        end + len(names),
        0,
        64,
        56,
        count,
        64,
        2,
        1,
    )
    return header + headers + body + names + sections


def make32(*, linker: str, align: int = 4096) -> bytes:
    """A 32-bit Arm ELF program: headers, an interpreter, a note, no sections."""
    note = struct.pack("<III4s", 4, 20, 3, b"GNU\0") + bytes(range(20))
    name = linker.encode() + b"\0" if linker else b""
    count = 3 if name else 2
    at = 52 + 32 * count
    segments = [(INTERP, at, len(name), 1)] * bool(name)
    segments += [(NOTE, at + len(name), len(note), 4), (LOAD, 0, at + len(name) + len(note), align)]
    headers = b"".join(
        struct.pack("<IIIIIIII", kind, offset, offset, offset, size, size, 5, align)
        for kind, offset, size, align in segments
    )
    fixed = (52, 32, count, 40, 0, 0)
    header = struct.pack("<16sHHIIIIIHHHHHH", b"\x7fELF\1\1\1" + bytes(9), DYN, 40, 1, 0, 52, 0, 0, *fixed)
    return header + headers + name + note


def check(path: Path, data: bytes, *, machine: str = "EM_AARCH64", android: bool = True) -> elf.ElfInfo:
    path.write_bytes(data)
    return elf.check(path, machine=machine, android=android)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "convbench"


def test_a_fit_program(path: Path) -> None:
    info = check(path, make())
    assert info.build_id == bytes(range(20)).hex()
    assert (info.machine, info.interpreter, info.alignments) == ("EM_AARCH64", "", (16384, 16384))
    assert check(path, make(kind=DYN, interpreter="/system/bin/linker64")).interpreter == "/system/bin/linker64"
    assert check(path, make(aligns=(65536,))).alignments == (65536,)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (make(machine=X86_64), "wrong machine: EM_X86_64 where EM_AARCH64 is needed"),
        (make(aligns=(16384, 4096)), "aligned to 4096 bytes"),
        (make(interpreter="/lib/ld-linux-aarch64.so.1"), "interpreter /lib/ld-linux-aarch64.so.1"),
        (make(interpreter="/system/bin/linker"), "interpreter /system/bin/linker:"),
        (make(build_id=b""), "no build id"),
        (make(kind=REL), "not a program"),
        (make(aligns=()), "not a program"),
        (make(skew=4096), "not aligned as its header says"),
        (b"", "not a whole ELF file"),
        (b"#!/bin/sh\necho hello\n", "not a whole ELF file"),
    ],
)
def test_what_is_wrong_is_said(path: Path, data: bytes, reason: str) -> None:
    with pytest.raises(InfrastructureError) as caught:
        check(path, data)
    assert reason in caught.value.message and str(path) in caught.value.message
    assert caught.value.exit_code == ExitCode.INFRASTRUCTURE


def test_every_truncation_is_found(path: Path) -> None:
    data = make(kind=DYN, interpreter="/system/bin/linker64")
    for length in range(len(data)):
        with pytest.raises(InfrastructureError):
            check(path, data[:length])
    assert check(path, data).size == len(data)


def test_host_programs_may_have_4_kib_pages_and_their_own_interpreter(path: Path) -> None:
    data = make(machine=X86_64, aligns=(4096,), interpreter="/lib64/ld-linux-x86-64.so.2")
    assert check(path, data, machine="EM_X86_64", android=False).alignments == (4096,)


def test_a_32_bit_program_may_have_4_kib_pages_and_has_another_linker(path: Path) -> None:
    data = make32(linker="/system/bin/linker")
    info = check(path, data, machine="EM_ARM")
    assert (info.bits, info.alignments, info.interpreter) == (32, (4096,), "/system/bin/linker")
    with pytest.raises(InfrastructureError, match="phones have /system/bin/linker only"):
        check(path, make32(linker="/system/bin/linker64"), machine="EM_ARM")
    with pytest.raises(InfrastructureError, match="phones with 4 KiB pages need 4096"):
        check(path, make32(linker="", align=1024), machine="EM_ARM")


def test_a_missing_file(path: Path) -> None:
    with pytest.raises(InfrastructureError, match="cannot be read"):
        elf.check(path, machine="EM_AARCH64", android=True)


def test_damaged_bytes_give_an_error_or_a_program_never_a_traceback(path: Path) -> None:
    data = make(kind=DYN, interpreter="/system/bin/linker64")
    for at in range(len(data)):
        for value in (0, 0xFF, data[at] ^ 0x80):
            damaged = data[:at] + bytes([value]) + data[at + 1 :]
            try:
                assert check(path, damaged).machine == "EM_AARCH64"
            except InfrastructureError as error:
                assert str(path) in error.message
