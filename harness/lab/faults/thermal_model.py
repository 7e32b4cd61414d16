"""How warm a phone gets by what its programs compute, and which clocks it allows then: pure, without a clock."""

from __future__ import annotations

import math
from dataclasses import dataclass

AMBIENT_C = 27.0
RISE_C = 25.0  # where it stays with one CPU busy, above the ambient temperature
TIME_CONSTANT_S = 4.0
STEP_C = 1.0  # each more takes away the highest clock that is left
_IDLE_UA = 150_000.0  # that the battery gives with nothing to do
_BUSY_UA = 900_000.0  # more for each busy CPU
_STATUS_C = (0.0, 5.0, 10.0, 20.0)  # above the trip: light, moderate, severe, critical


@dataclass(frozen=True)
class Body:
    """One lump that is heated by busy CPUs and cooled by the room."""

    trip_c: float
    celsius: float = AMBIENT_C

    def after(self, seconds: float, busy: float) -> Body:
        """The body that much later, with so many CPUs busy on the average."""
        end = AMBIENT_C + RISE_C * max(busy, 0.0)
        left = math.exp(-seconds / TIME_CONSTANT_S)
        return Body(self.trip_c, end + (self.celsius - end) * left)

    def clock(self, steps: list[int]) -> int:
        """The highest clock allowed, of ascending ones."""
        taken = 0 if self.celsius < self.trip_c else 1 + int((self.celsius - self.trip_c) / STEP_C)
        return steps[max(0, len(steps) - 1 - taken)]

    @property
    def status(self) -> int:
        """Android's thermal status, 0 to 4."""
        return sum(self.celsius >= self.trip_c + above for above in _STATUS_C)


def current_ua(busy: float) -> float:
    """What the battery gives with so many CPUs busy, in microampere."""
    return _IDLE_UA + _BUSY_UA * max(busy, 0.0)
