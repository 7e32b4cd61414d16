"""What ends measuring in order: a signal, or the time limit of the command."""

from __future__ import annotations

import threading

from harness.exit_codes import ExitCode

TIMED_OUT = "the time of --timeout was over"


class Stop(threading.Event):
    """Set when measuring is to end. ``timed_out``: since its time is over, not by a signal."""

    def __init__(self) -> None:
        super().__init__()
        self.timed_out = False


def is_timeout(stop: threading.Event) -> bool:
    """Whether measuring was ended because its time was over."""
    return stop.is_set() and isinstance(stop, Stop) and stop.timed_out


def codes_of(stop: threading.Event | None) -> list[ExitCode]:
    """What that makes of the exit code: a signal, or planned work that is left unmeasured."""
    if stop is None or not stop.is_set():
        return []
    return [ExitCode.INFRASTRUCTURE if is_timeout(stop) else ExitCode.INTERRUPTED]
