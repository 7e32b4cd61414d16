"""Whether these tests run in a user-mode emulator: an arm64 root under QEMU (docs/arm-hosts.md)."""

from __future__ import annotations

from pathlib import Path


def is_here() -> bool:
    """An emulator puts the program's own path into /proc/self alone; elsewhere stands the emulator's."""
    try:
        return Path("/proc/thread-self/exe").readlink() != Path("/proc/self/exe").readlink()
    except OSError:  # macOS
        return False
