"""Why hardware counters tell nothing: native/bench/wire/counter_errors.inc.h has the same numbers and words."""

from __future__ import annotations

from enum import IntEnum


class CounterError(IntEnum):
    """Of a sample by its number, of a worker by its word."""

    OK = 0
    FORBIDDEN = 1
    ABSENT = 2
    UNSUPPORTED = 3
    EXHAUSTED = 4
    BUSY = 5
    REFUSED = 6
    UNREADABLE = 7
    ZERO = 8
    SHARED = 9

    @property
    def word(self) -> str:
        """As records of workers have it; empty: they count."""
        return "" if self is CounterError.OK else self.name.lower()


# What each means, in the words of a report.
WORDS = {
    CounterError.FORBIDDEN: "the system does not let programs count; on a phone `adb shell setprop "
    "security.perf_harden 0` allows it until it restarts",
    CounterError.ABSENT: "no counter of this CPU counts that",
    CounterError.UNSUPPORTED: "the kernel, or the emulator, has no counters",
    CounterError.EXHAUSTED: "no file or memory was left for them",
    CounterError.BUSY: "somebody has them for himself",
    CounterError.REFUSED: "the system refused them",
    CounterError.UNREADABLE: "they could not be read, or went backwards",
    CounterError.ZERO: "they counted nothing, as those of another cluster do",
    CounterError.SHARED: "somebody else counts too: they counted for a part of the time",
}
