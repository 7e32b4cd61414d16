"""What a phone's programs do, as the host sees them: their users' numbers are the phone's alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

_USERS = 65536
_TICKS = os.sysconf("SC_CLK_TCK")


def programs(id_base: int) -> Iterator[int]:
    """The host's numbers of the phone's processes."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                owner = folder.stat().st_uid
            except OSError:
                continue
            if id_base <= owner < id_base + _USERS:
                yield int(folder.name)


def cpu_seconds(id_base: int) -> float:
    """CPU time of the phone's processes and of those that ended below them."""
    ticks = 0
    for pid in programs(id_base):
        try:
            fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        except OSError:
            continue
        ticks += sum(map(int, fields[11:15]))  # utime, stime, cutime, cstime
    return ticks / _TICKS


def command_line(pid: int) -> str:
    """The arguments of a process with blanks between them; empty where it is gone."""
    try:
        data = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return ""
    return data.replace(b"\0", b" ").decode("utf-8", "replace").strip()
