"""What the record of a worker's probes can tell."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """The clock probe."""

    @property
    def available(self) -> bool: ...


class Peak(Protocol):
    """The peak probe."""

    @property
    def ok(self) -> bool: ...


class Worker(Protocol):
    """The fields of a worker's record that are judged."""

    @property
    def clock(self) -> Clock: ...
    @property
    def peak(self) -> Peak: ...


def lacks_clock(worker: Worker) -> bool:
    """The clock probe cannot be believed."""
    return not worker.clock.available


def lacks_peak(worker: Worker) -> bool:
    """The peak probe did not land on a whole number of FMAs per cycle."""
    return not worker.peak.ok
