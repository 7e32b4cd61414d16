"""A small ELF program, for tests of what reads one."""

from __future__ import annotations

import struct


def program(machine: int = 183, seed: int = 0, protocol: int | None = 2) -> bytes:
    """A small ELF program with a build id of ``seed``, and the note of a worker of that protocol."""
    note = struct.pack("<III4s", 4, 20, 3, b"GNU\0") + bytes([seed]) * 20
    if protocol is not None:
        note += struct.pack("<III12sI", 10, 4, 1, b"convbench", protocol)
    at = 64 + 56 * 2
    header = struct.pack(
        "<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1" + bytes(9), 2, machine, 1, 0, 64, 0, 0, 64, 56, 2, 64, 0, 0
    )
    note_segment = struct.pack("<IIQQQQQQ", 4, 4, at, at, at, len(note), len(note), 4)
    load = struct.pack("<IIQQQQQQ", 1, 5, 0, 0, 0, at + len(note), at + len(note), 16384)
    return header + note_segment + load + note
