"""The living processes of this machine, its boot, who listens: from /proc on Linux, from programs of macOS there."""

from __future__ import annotations

import calendar
import contextlib
import platform
import subprocess
import time
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from harness.devices.number import number

IS_MAC = platform.system() == "Darwin"
_DEAD = ("Z", "X")
_PS = ("/bin/ps", "-ww", "-o", "pid=,ppid=,pgid=,state=,lstart=,command=")
_PS_FIELDS, _STARTED = 9, "%b %d %H:%M:%S %Y"
_LAST_PID = 2**31 - 1
_SYSCTL, _LSOF = "/usr/sbin/sysctl", "/usr/sbin/lsof"  # of macOS
_BOOT = "kern.bootsessionuuid"


class Process(NamedTuple):
    """``session``: on macOS its group, which a process that begins a session leads as well.

    ``start``: Linux, ticks since the system's start; macOS, seconds since 1970, as convbench tells them too.
    """

    pid: int
    parent: int
    session: int
    start: int
    state: str
    command: bytes = b""  # with zeros between the arguments on Linux, with spaces on macOS

    @property
    def lives(self) -> bool:
        """Whether it is no zombie."""
        return self.state not in _DEAD


def living() -> Iterator[Process]:
    """All that are no zombies, without their command lines on Linux."""
    found = _by_ps("-A") if IS_MAC else (_of_proc(int(e.name)) for e in Path("/proc").iterdir() if e.name.isdigit())
    return (process for process in found if process is not None and process.lives)


def find(pid: int) -> Process | None:
    """The process of that number, zombie or not; None where there is none."""
    return next(iter(_by_ps("-p", str(pid))), None) if IS_MAC else _of_proc(pid)


def kernel() -> str:
    """The boot of this machine, and the name space of its process ids: containers see each other's pids as others.

    Empty where the system does not tell.
    """
    if IS_MAC:  # which has no such name spaces
        return _boot_of_mac()
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        return ""


@cache
def _boot_of_mac() -> str:
    return _said(_SYSCTL, "-n", _BOOT).strip()


def listener_by_lsof(port: int) -> tuple[str, int] | None:
    """The program that listens on a TCP port, and its user's id; None where there is none, or lsof does not tell."""
    said = _said(_LSOF, "-nP", f"-iTCP:{port}", "-sTCP:LISTEN", "-Fpu")
    fields = {line[:1]: line[1:] for line in reversed(said.splitlines())}  # the first process counts
    pid, user = number(fields.get("p", ""), 1, _LAST_PID), number(fields.get("u", ""), 0, 2**32)
    if pid is None or user is None:
        return None
    return _said(_PS[0], "-ww", "-o", "comm=", "-p", str(pid)).strip(), user


def with_commands() -> Iterator[Process]:
    """All that are no zombies, with their command lines."""
    for process in living():
        if process.command:
            yield process
        else:
            with contextlib.suppress(OSError):
                yield process._replace(command=Path(f"/proc/{process.pid}/cmdline").read_bytes())


def arguments(process: Process) -> tuple[bytes, ...]:
    """Those of its command line; on macOS what stands between its spaces."""
    return tuple(process.command.split() if IS_MAC else process.command.rstrip(b"\0").split(b"\0"))


def parse_proc(pid: int, text: str) -> Process | None:
    """Of a /proc/<pid>/stat line; None for anything else."""
    fields = text.rpartition(")")[2].split()
    values = [number(fields[place], 0, 2**63) if place < len(fields) else None for place in (1, 3, 19)]
    parent, session, start = values
    if parent is None or session is None or start is None:
        return None
    return Process(pid, parent, session, start, fields[0])


def parse_ps(text: str) -> list[Process]:
    """Of the lines that ps prints in the C locale, times in UTC; others are left out."""
    found = []
    for line in text.splitlines():
        fields = line.split(None, _PS_FIELDS)
        numbers = [number(field, 0, _LAST_PID) for field in fields[:3]]
        pid, parent, group = [*numbers, None, None, None][:3]
        if len(fields) <= _PS_FIELDS or pid is None or parent is None or group is None:
            continue
        try:
            start = calendar.timegm(time.strptime(" ".join(fields[5:9]), _STARTED))
        except ValueError:
            continue
        found.append(Process(pid, parent, group, start, fields[3][:1], fields[9].encode()))
    return found


def _of_proc(pid: int) -> Process | None:
    try:
        return parse_proc(pid, Path(f"/proc/{pid}/stat").read_text("utf-8", "replace"))
    except OSError:
        return None


def _by_ps(*which: str) -> Sequence[Process]:
    return parse_ps(_said(*_PS, *which))


def _said(*argv: str) -> str:
    """What a program of the system prints, in the C locale and UTC; empty where it does not run."""
    try:
        done = subprocess.run(argv, capture_output=True, check=False, timeout=20, env={"LC_ALL": "C", "TZ": "UTC"})
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace")
