"""Checks on programs of macOS."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from harness.errors import InfrastructureError
from harness.toolchain import executable, macho

pytestmark = pytest.mark.unit

ID = bytes(range(16))


def program(
    *, magic: int = 0xFEEDFACF, cpu: int = 0x0100000C, kind: int = 2, used: int = 8, uuid: bytes = ID, length: int = 24
) -> bytes:
    """A program of one segment of ``used`` bytes and a UUID."""
    segment = struct.pack("<2I16s2Q2Q4I", 0x19, 72, b"__TEXT", 0, used, 0, used, 5, 5, 0, 0)
    commands = segment + (struct.pack("<2I", 0x1B, length) + uuid if uuid else b"")
    count = 2 if uuid else 1
    return struct.pack("<8I", magic, cpu, 0, kind, count, len(commands), 0, 0) + commands


def test_its_uuid_is_its_build_id(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(program())
    found = macho.check(tmp_path / "a")
    assert executable.check(tmp_path / "a", machine=macho.MACHINE, android=False) == found
    with pytest.raises(InfrastructureError, match="not a whole ELF file"):
        executable.check(tmp_path / "a", machine="EM_AARCH64", android=False)
    assert (found.build_id, found.machine, found.alignments) == (ID.hex(), macho.MACHINE, (16384,))


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "not a whole Mach-O program"),
        (program(magic=0x464C457F), "no such file"),
        (program(cpu=0x01000007), r"CPU type is 0x1000007, not 0x100000c"),
        (program(kind=6), r"no program \(type 6\)"),
        (program()[:100], "truncated in its load commands"),
        (program(used=1000), "a segment ends at byte 1000"),
        (program(uuid=b""), "it has no UUID"),
        (program(length=4), "a load command is longer"),
        (program(length=1 << 31), "a load command is longer"),
    ],
    ids=["empty", "elf", "x86", "library", "cut", "segment", "no-uuid", "short", "long"],
)
def test_what_is_not_fit(data: bytes, fault: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(InfrastructureError, match=fault):
        macho.check(tmp_path / "a")


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InfrastructureError, match="cannot be read"):
        macho.check(tmp_path / "none")
