"""The family of a process of this machine: its session, and what descends from it in whatever session."""

from __future__ import annotations

import contextlib
import os
import signal
import time

from harness.devices.processes import Process, living

_WAIT_S = 5.0
_AGAIN_S = 0.01


def kill(leader: int, seconds: float = _WAIT_S) -> int:
    """Kills the family of a process, which may be gone already; how many were left after that time.

    Each member is stopped where it is found, so that it starts no further one, until none is found that is new.
    """
    members: dict[int, int] = {}
    while new := _beyond(leader, members):
        for process in new:
            members[process.pid] = process.start
            _send(process.pid, signal.SIGSTOP)
    end = time.monotonic() + seconds
    while left := [process for process in living() if members.get(process.pid) == process.start]:
        for process in left:
            _send(process.pid, signal.SIGKILL)
        if time.monotonic() > end:
            break
        time.sleep(_AGAIN_S)
    return len(left)


def _beyond(leader: int, members: dict[int, int]) -> list[Process]:
    """Members of the family that are not known yet."""
    known = {leader, *members}
    others = [process for process in living() if process.pid not in members]
    found: list[Process] = []
    grew = True
    while grew:
        new = [p for p in others if p not in found and (leader in (p.session, p.pid) or p.parent in known)]
        known |= {process.pid for process in new}
        found += new
        grew = bool(new)
    return found


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
