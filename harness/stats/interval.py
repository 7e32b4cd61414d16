"""95 % intervals of launch means on the log scale, by Student's t: the launch is the unit (DESIGN, section 5).

Rounds of one launch share its memory placement, its heat and its neighbours, so they are not independent; launches
(new processes) are. Everything here takes natural logarithms, so a value is a ratio or a time by its logarithm.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

LEAST_LAUNCHES = 4
CONFIDENCE = 0.95


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

    def against_one(self) -> int:
        """1 where the interval lies above 1, -1 below, 0 where it holds 1 or is unknown."""
        if self.low is None or self.high is None:
            return 0
        return 1 if self.low > 1 else -1 if self.high < 1 else 0


def half_widths(log_means: ArrayLike, confidence: float = CONFIDENCE) -> NDArray[np.float64]:
    """Half-widths of the t intervals of many streams at once, on the log scale.

    ``log_means`` is (..., launches): mean log values of launches. Returns (...): t quantile with launches - 1 degrees
    of freedom times the standard error; NaN with fewer than 4 launches.
    """
    means = np.asarray(log_means, dtype=np.float64)
    launches = means.shape[-1]
    if launches < LEAST_LAUNCHES:
        return np.full(means.shape[:-1], np.nan)
    quantile = t_quantile(0.5 + confidence / 2, launches - 1)
    # What np.std and np.mean do, bit by bit, in a third of their time: a report makes ten thousand intervals.
    away = means - np.add.reduce(means, axis=-1, keepdims=True) / launches
    spread: NDArray[np.float64] = np.sqrt(np.add.reduce(away * away, axis=-1) / (launches - 1))
    return quantile * spread / math.sqrt(launches)


@cache
def t_quantile(share: float, freedom: int) -> float:
    """The quantile of Student's t; scipy.stats has the same at the cost of importing it, a second."""
    return float(stdtrit(freedom, share))


def from_log_means(log_means: ArrayLike, center: float | None = None) -> Interval:
    """The interval of one stream of launch means (launches,), back from logarithms.

    ``center``: the logarithm to put it around, by default the mean of the launches. Raises ValueError for no launch.
    """
    means = np.asarray(log_means, dtype=np.float64)
    if means.size == 0 and center is None:
        raise ValueError("no launches")
    middle = float(np.add.reduce(means) / means.size) if center is None else center
    half = float(half_widths(means)) if means.size >= LEAST_LAUNCHES else math.nan
    if math.isnan(half):
        return Interval(math.exp(middle), None, None, means.size)
    return Interval(math.exp(middle), math.exp(middle - half), math.exp(middle + half), means.size)
