"""The difference of two builds' times on the log scale, the launch being the unit, and what it proves.

Two ways to measure it. Where both took turns in the same rounds, each launch gives one value of its pairs' log ratios,
and drift cancels. Where they were measured in two runs, each launch of either gives a level, and the interval is
Welch's: it holds what launches of a run differ by, not what two runs may differ by as a whole.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, variance

from harness.model.launches import LEAST_LAUNCHES
from harness.stats.interval import CONFIDENCE, POWER, Interval, noncentrality, t_quantile


@dataclass(frozen=True)
class Difference:
    """Log of base's time over new's: over 0 the new one is faster. ``error``: its standard error."""

    log: float
    error: float
    freedom: float  # degrees of, of Student's t
    launches: tuple[int, int]  # of base and new
    paired: bool

    @property
    def ratio(self) -> Interval:
        """The ratio of the times with its 95 % interval."""
        half = t_quantile(0.5 + CONFIDENCE / 2, self.freedom) * self.error
        low, high = math.exp(self.log - half), math.exp(self.log + half)
        return Interval(math.exp(self.log), low, high, min(self.launches))

    def p(self, margin: float = 0.0) -> float:
        """How likely so large a difference is where the true one is no more than ``margin`` (a ratio, less 1)."""
        within = math.log1p(margin)
        if self.error == 0:
            return float(abs(self.log) <= within)
        near, far = (abs(self.log) - within) / self.error, (abs(self.log) + within) / self.error
        return min(1.0, _share(-near, self.freedom) + _share(-far, self.freedom))

    def p_same(self, margin: float) -> float:
        """Two one-sided tests: how likely so small a difference is where the true one is ``margin`` or more."""
        within = math.log1p(margin)
        if self.error == 0:
            return float(abs(self.log) >= within)
        return _share((abs(self.log) - within) / self.error, self.freedom)

    def visible(self, power: float = POWER) -> float:
        """The smallest ratio, less 1, whose 95 % interval would have kept clear of 1 with that probability."""
        return math.expm1(noncentrality(power, self.freedom) * self.error)


def of_pairs(means: Sequence[float]) -> Difference | None:
    """From the launches' log ratios of base's time over new's; None with fewer than 4 launches."""
    count = len(means)
    if count < LEAST_LAUNCHES:
        return None
    return Difference(fmean(means), math.sqrt(variance(means) / count), count - 1, (count, count), True)


def of_launches(base: Sequence[float], new: Sequence[float]) -> Difference | None:
    """From the log times of each one's launches (Welch); None with fewer than 4 of either."""
    if min(len(base), len(new)) < LEAST_LAUNCHES:
        return None
    ours, others = variance(new) / len(new), variance(base) / len(base)
    total = ours + others
    freedom = float(len(base) + len(new) - 2)
    if total > 0:
        freedom = total**2 / (ours**2 / (len(new) - 1) + others**2 / (len(base) - 1))
    return Difference(fmean(base) - fmean(new), math.sqrt(total), freedom, (len(base), len(new)), False)


def _share(value: float, freedom: float) -> float:
    """How much of Student's t lies below the value."""
    from scipy.special import stdtr  # noqa: PLC0415  see harness.stats.interval

    return float(stdtr(freedom, value))
