"""Ctrl-C, SIGTERM and SIGHUP set an event, so that a run ends in order; a second one ends it at once.

Outside of measuring any of them is a KeyboardInterrupt, so that what a command made is removed on its way out.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from harness.cli.say import say
from harness.errors import ExitCode

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def interrupt_on_signal() -> None:
    """SIGTERM and SIGHUP act as Ctrl-C does."""

    def handle(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    for number in _SIGNALS:
        signal.signal(number, handle)


@contextmanager
def stop_on_signal() -> Iterator[threading.Event]:
    """Within the block the first signal sets the event; the second ends the process."""
    stop = threading.Event()

    def handle(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            say("\nquit: later, `harness run --resume RUN` takes over what is on the devices and cleans up")
            os._exit(ExitCode.INTERRUPTED)  # threads may wait for devices that do not answer
        stop.set()
        say("\nstopping: taking over what was measured, putting settings back (again to quit at once)")

    before = {number: signal.signal(number, handle) for number in _SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
