"""Ctrl-C, SIGTERM and SIGHUP: the first ends what is going on in order, the second is answered, the third quits.

Whoever presses twice, or a shell that signals a whole group, must not break the orderly end: records taken over,
settings put back, how to go on, the report. The end of --timeout is a first signal of its own: it never ends twice.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from harness.errors import UsageError
from harness.exit_codes import ExitCode
from harness.measure.stop import Stop

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_ALARM = signal.SIGALRM
_LONGEST_S = 1e8  # three years: no timer of the system takes much more


@dataclass
class _Limit:
    """When the time of --timeout is over, by time.monotonic(); None without it."""

    over_at: float | None = None


_limit = _Limit()


class Interrupted(BaseException):
    """A signal outside of measuring. No KeyboardInterrupt: typer would make a silent exit of that."""


class TimedOut(Interrupted):
    """The time of --timeout was over outside of measuring."""


def interrupt_on_signal() -> None:
    """Any of the signals raises Interrupted, so that what a command made is removed on its way out."""
    count = 0

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal count
        _disarm()
        count += 1
        if count == 2:
            _say("still ending: once more to quit at once")
            return
        if count > 3:  # whoever catches it does not end
            os._exit(ExitCode.INTERRUPTED)
        raise Interrupted

    for number in _SIGNALS:
        signal.signal(number, handle)


@contextmanager
def deadline(seconds: float | None) -> Iterator[None]:
    """After so many seconds within the block TimedOut is raised, or measuring ended in order; None: never.

    Raises UsageError for what is no time.
    """
    if seconds is None:
        yield
        return
    if seconds <= 0:
        raise UsageError(f"--timeout {seconds:g}: not a time", "give seconds, more than 0")

    def over(number: int, frame: FrameType | None) -> None:
        raise TimedOut

    before = signal.signal(_ALARM, over)
    _limit.over_at = time.monotonic() + min(seconds, _LONGEST_S)
    try:
        with time_left():
            yield
    finally:
        _limit.over_at = None
        signal.signal(_ALARM, before)


@contextmanager
def time_left() -> Iterator[None]:
    """What is left of the time of --timeout holds within the block, though measuring has ended before."""
    _arm()
    try:
        yield
    finally:
        _disarm()


@contextmanager
def stop_on_signal() -> Iterator[Stop]:
    """The first signal within the block sets the event; the next one is answered, the third ends the process.

    After a signal this stays so when the block has ended: what follows belongs to the orderly end. --timeout cuts off
    nothing that follows, such as the report, but further measuring: in such a block, or in one of time_left.
    """
    stop = Stop()
    count = 0

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal count
        _disarm()
        count += 1
        if not stop.is_set():
            stop.set()
            _say("stopping: taking over what was measured, putting settings back (twice more to quit at once)")
        elif count == (1 if stop.timed_out else 2):
            _say("still stopping: once more to quit at once")
        else:
            _say("quit: later, `harness run --resume RUN` takes over what is on the devices and cleans up")
            os._exit(ExitCode.INTERRUPTED)  # threads may wait for devices that do not answer

    def over(number: int, frame: FrameType | None) -> None:
        if not stop.is_set():
            stop.timed_out = True
            stop.set()
            _say("the time of --timeout is over: taking over what was measured, putting settings back")

    before = {number: signal.signal(number, handle) for number in _SIGNALS}
    before[_ALARM] = signal.signal(_ALARM, over)
    _arm()
    try:
        yield stop
    finally:
        _disarm()
        if not stop.is_set():
            for number, handler in before.items():
                signal.signal(number, handler)


def _arm() -> None:
    """At the least a moment is left: a timer of 0 never ends."""
    if _limit.over_at is not None:
        signal.setitimer(signal.ITIMER_REAL, max(_limit.over_at - time.monotonic(), 1e-6))


def _disarm() -> None:
    """The end that a signal begins is not cut off by --timeout."""
    signal.setitimer(signal.ITIMER_REAL, 0)


def _say(text: str) -> None:
    """Straight to stderr: the signal may have come in the middle of a print, which must not be entered twice."""
    try:
        line = f"\n{text}\n" if os.isatty(2) else f"{text}\n"  # a terminal has shown ^C
        os.write(2, line.encode())
    except OSError:
        return  # nobody reads it
