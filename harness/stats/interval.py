"""95 % intervals of launch means on the log scale, by Student's t: the launch is the unit (docs/measuring.md).

Rounds of one launch share its memory placement, its heat and its neighbours, so they are not independent; launches
(new processes) are. Everything here takes natural logarithms, so a value is a ratio or a time by its logarithm.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from statistics import fmean

from harness.model.launches import LEAST_LAUNCHES

CONFIDENCE = 0.95
POWER = 0.9


@dataclass(frozen=True)
class Interval:
    """A value with its 95 % interval, in the unit of the value; no interval with fewer than 4 launches."""

    value: float
    low: float | None
    high: float | None
    launches: int

    @property
    def has_interval(self) -> bool:
        """Whether there were launches enough for an interval."""
        return self.low is not None and self.high is not None

    @property
    def width(self) -> float | None:
        """Of a ratio: its upper end over its lower one, less 1; None where there is no interval."""
        return self.high / self.low - 1 if self.low and self.high is not None else None

    @property
    def visible(self) -> float | None:
        """Of a ratio: the smallest one, less 1, that an interval of this width would have shown with power 0.9.

        None where there is no interval. See the function ``visible``.
        """
        if not self.low or self.high is None:
            return None
        return _visible(math.log(self.high / self.low) / 2, self.launches)

    def against_one(self) -> int:
        """1 where the interval lies above 1, -1 below, 0 where it holds 1 or is unknown."""
        if self.low is None or self.high is None:
            return 0
        return 1 if self.low > 1 else -1 if self.high < 1 else 0


def half_width(logs: Sequence[float], confidence: float = CONFIDENCE) -> float:
    """Half-width of the t interval of launches' log values, on the log scale; NaN with fewer than 4 launches.

    The t quantile with launches - 1 degrees of freedom times the standard error.
    """
    launches = len(logs)
    if launches < LEAST_LAUNCHES:
        return math.nan
    away = math.dist(logs, [fmean(logs)] * launches)  # root of the sum of squares
    return t_quantile(0.5 + confidence / 2, launches - 1) * away / math.sqrt(launches * (launches - 1))


def visible(logs: Sequence[float], power: float = POWER) -> float | None:
    """The smallest ratio, less 1, whose interval would have kept clear of 1 with that probability.

    By the launches' own spread and the noncentral t distribution; None where there is no interval.
    """
    half = half_width(logs)
    return None if math.isnan(half) else _visible(half, len(logs), power)


def _visible(half: float, launches: int, power: float = POWER) -> float:
    freedom = launches - 1
    return math.expm1(noncentrality(power, freedom) * half / t_quantile(0.5 + CONFIDENCE / 2, freedom))


@cache
def noncentrality(power: float, freedom: float) -> float:
    """Standard errors that a difference has to be for a t test to find it with that probability."""
    from scipy.special import nctdtrinc  # noqa: PLC0415  as below

    return float(nctdtrinc(freedom, 1 - power, t_quantile(0.5 + CONFIDENCE / 2, freedom)))


@cache
def t_quantile(share: float, freedom: float) -> float:
    """The quantile of Student's t."""
    from scipy.special import stdtrit  # noqa: PLC0415  a quarter of a second; scipy.stats has the same for a whole one

    return float(stdtrit(freedom, share))


def from_launch_logs(logs: Sequence[float], center: float | None = None) -> Interval:
    """The interval of one stream of logarithms, one for each launch, back from them.

    ``center``: the logarithm to put it around, by default the mean of the launches. Raises ValueError for no launch.
    """
    if not logs and center is None:
        raise ValueError("no launches")
    middle = fmean(logs) if center is None else center
    half = half_width(logs)
    if math.isnan(half):
        return Interval(math.exp(middle), None, None, len(logs))
    return Interval(math.exp(middle), math.exp(middle - half), math.exp(middle + half), len(logs))
