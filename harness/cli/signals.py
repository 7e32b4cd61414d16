"""Ctrl-C, SIGTERM and SIGHUP: the first ends what is going on in order, the second is answered, the third quits.

Whoever presses twice, or a shell that signals a whole group, must not break the orderly end: records taken over,
settings put back, how to go on, the report.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from harness.exit_codes import ExitCode

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """A signal outside of measuring. No KeyboardInterrupt: typer would make a silent exit of that."""


def interrupt_on_signal() -> None:
    """Any of the signals raises Interrupted, so that what a command made is removed on its way out."""
    count = 0

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal count
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
def stop_on_signal() -> Iterator[threading.Event]:
    """The first signal within the block sets the event; the next one is answered, the third ends the process.

    After a signal this stays so when the block has ended: what follows, such as the report, belongs to the orderly end.
    """
    stop = threading.Event()
    count = 0

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal count
        count += 1
        if count == 1:
            stop.set()
            _say("\nstopping: taking over what was measured, putting settings back (twice more to quit at once)")
        elif count == 2:
            _say("\nstill stopping: once more to quit at once")
        else:
            _say("\nquit: later, `harness run --resume RUN` takes over what is on the devices and cleans up")
            os._exit(ExitCode.INTERRUPTED)  # threads may wait for devices that do not answer

    before = {number: signal.signal(number, handle) for number in _SIGNALS}
    try:
        yield stop
    finally:
        if not stop.is_set():
            for number, handler in before.items():
                signal.signal(number, handler)


def _say(text: str) -> None:
    """Straight to stderr: the signal may have come in the middle of a print, which must not be entered twice."""
    try:
        os.write(2, f"{text}\n".encode())
    except OSError:
        return  # nobody reads it
