"""Checks a program of whatever system before it is run or pushed."""

from __future__ import annotations

from pathlib import Path

from harness.toolchain import elf, macho


def check(path: Path, *, machine: str, android: bool) -> elf.ElfInfo:
    """As elf.check; where ``machine`` is macOS's, as macho.check. Raises InfrastructureError."""
    return macho.check(path) if machine == macho.MACHINE else elf.check(path, machine=machine, android=android)
