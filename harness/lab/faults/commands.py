"""Faults of what the phone's adbd answers to commands, pushes and pulls; traffic.py does them."""

from __future__ import annotations

from typing import Any

from harness.lab.faults.kind import Kind, choice, in_adbd, number, words

LINKER_NOISE = "WARNING: linker: /data/local/tmp/lib.so: unused DT entry: type 0x6ffffef5"
_LONGEST = 1 << 40


KINDS: dict[str, Kind[Any]] = {
    "noise": Kind(
        "Every shell prints a line of its own on stdout before anything else.",
        words("TEXT", LINKER_NOISE),
        in_adbd,
        of_commands=True,
    ),
    "truncate": Kind(
        "Of what a command prints, and of a pulled file, only the first bytes arrive; the exit code is as ever.",
        number("BYTES", 0, _LONGEST, default=100),
        in_adbd,
        of_commands=True,
    ),
    "corrupt": Kind(
        "In what a command prints, and in a pulled file, eight bytes from this one on are others.",
        number("BYTE", 0, _LONGEST, default=100),
        in_adbd,
        of_commands=True,
    ),
    "push": Kind(
        "Files that are pushed are refused (denied, full) or arrive with a byte changed (damaged).",
        choice("denied", "full", "damaged", default="denied"),
        in_adbd,
        of_commands=True,
    ),
}
