"""Checks a program of macOS after it is linked: machine, kind, wholeness, the UUID that is its build id."""

from __future__ import annotations

import struct
from pathlib import Path

from harness.errors import InfrastructureError
from harness.toolchain.elf import ElfInfo

MACHINE = "CPU_TYPE_ARM64"  # stands where ELF files have an e_machine
_MAGIC, _ARM64, _EXECUTE = 0xFEEDFACF, 0x0100000C, 2
_SEGMENT, _UUID, _MOST_COMMANDS = 0x19, 0x1B, 10_000
_HEADER, _COMMAND = struct.Struct("<8I"), struct.Struct("<2I")
_PAGE = 16384
_LINKER = "/usr/lib/dyld"
_REMEDY = "delete the build folder and build again"


def check(path: Path) -> ElfInfo:
    """Reads a Mach-O program for arm64. Raises InfrastructureError, naming file and fault, unless it is fit to run.

    The answer has the UUID as 32 hex digits in ``build_id``.
    """
    try:
        return _read(path.read_bytes())
    except OSError as error:
        raise InfrastructureError(f"{path}: cannot be read: {error.strerror or error}", _REMEDY) from None
    except (ValueError, struct.error) as error:
        raise InfrastructureError(f"{path}: not a whole Mach-O program: {error}", _REMEDY) from None


def _read(data: bytes) -> ElfInfo:
    magic, cpu, _, kind, count, size, *_ = _HEADER.unpack_from(data)
    if magic != _MAGIC:
        raise ValueError("no such file")
    if cpu != _ARM64:
        raise ValueError(f"its CPU type is {cpu:#x}, not {_ARM64:#x} (arm64)")
    if kind != _EXECUTE:
        raise ValueError(f"no program (type {kind})")
    if _HEADER.size + size > len(data) or count > _MOST_COMMANDS:
        raise ValueError("truncated in its load commands")
    at, uuid = _HEADER.size, ""
    for _ in range(count):
        command, length = _COMMAND.unpack_from(data, at)
        if length < _COMMAND.size or at + length > _HEADER.size + size:
            raise ValueError("a load command is longer than their room")
        if command == _SEGMENT:
            offset, used = struct.unpack_from("<2Q", data, at + 40)
            if offset + used > len(data):
                raise ValueError(f"truncated: a segment ends at byte {offset + used}, the file at {len(data)}")
        if command == _UUID:
            uuid = data[at + 8 : at + 24].hex()
        at += length
    if len(uuid) != 32:
        raise ValueError("it has no UUID")
    return ElfInfo(MACHINE, 64, uuid, _LINKER, (_PAGE,), len(data))
