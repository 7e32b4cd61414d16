"""What a method says of each stream, and how often that is right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from benchmarks.statistics.noise import Numbers

TARGET_COVERAGE = (0.93, 0.97)
TARGET_POWER = 0.9


@dataclass(frozen=True)
class Found:
    """Of each stream: the ratio of B's time to A's, its interval (NaN where there is none), and the decision.

    ``side``: 1 where B is said to be slower, -1 where A is, 0 where neither is.
    """

    value: Numbers
    low: Numbers
    high: Numbers
    side: NDArray[np.int64]

    @classmethod
    def of_intervals(cls, value: Numbers, low: Numbers, high: Numbers) -> Found:
        """What decides is whether the interval holds 1."""
        return cls(value, low, high, (low > 1).astype(np.int64) - (high < 1))

    @classmethod
    def joined(cls, parts: Sequence[Found]) -> Found:
        """Several one behind the other."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__dataclass_fields__))


@dataclass(frozen=True)
class Share:
    """So many of so many, with the exact binomial interval (Clopper and Pearson, 95 %)."""

    hits: int
    total: int

    @property
    def value(self) -> float:
        """NaN of none."""
        return self.hits / self.total if self.total else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """Of the share behind it; NaN of none."""
        if not self.total:
            return float("nan"), float("nan")
        found = binomtest(self.hits, self.total).proportion_ci(0.95, method="exact")
        return float(found.low), float(found.high)

    def __str__(self) -> str:
        if not self.total:
            return "–"
        low, high = self.interval
        return f"{self.value:.1%} [{low:.1%}, {high:.1%}]".replace("%", " %")


@dataclass(frozen=True)
class Score:
    """Of a method on streams whose true ratio is known.

    ``covered``: intervals that hold it; ``alarms``: a difference is seen, of whichever side; ``seen``: that of the true
    side; ``none``: streams without an interval, where others have one. ``error``: root mean square of the estimate's
    relative error; ``half``: the median half-width.
    """

    covered: Share
    alarms: Share
    seen: Share
    none: int
    error: float
    half: float


def score(found: Found, truth: float) -> Score:
    """How often that is right. A stream without an interval is in no coverage, and counts as one that saw nothing."""
    total = len(found.value)
    has = np.isfinite(found.low) & np.isfinite(found.high)
    covered = has & (found.low <= truth) & (truth <= found.high)
    true_side = (truth > 1) - (truth < 1)
    errors = found.value[np.isfinite(found.value)] / truth - 1
    return Score(
        Share(int(np.count_nonzero(covered)), int(np.count_nonzero(has))),
        Share(int(np.count_nonzero(found.side)), total),
        Share(int(np.count_nonzero(found.side == true_side)) if true_side else 0, total),
        int(total - np.count_nonzero(has)),
        float(np.sqrt(np.mean(errors**2))) if len(errors) else float("nan"),
        float(np.median((found.high - found.low)[has]) / 2) if np.any(has) else float("nan"),
    )


def covers_as_promised(share: Share) -> bool:
    """Whether the coverage is within its target."""
    return TARGET_COVERAGE[0] <= share.value <= TARGET_COVERAGE[1]
