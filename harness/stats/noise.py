"""The noise floor of a place, and the smallest effect that it can show, from ratios of equals over several layers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from harness.stats.interval import CONFIDENCE, Interval, t_quantile


@dataclass(frozen=True)
class Noise:
    """Of one layer's ratio, as shares: 0.01 is 1 %.

    ``floor``: 95 % of the ratios of equals lie no farther from 1. ``visible``: the smallest difference that a
    comparison shows with power 0.9, on the layer in the middle; ``worst_visible``: on the worst layer.
    """

    floor: float
    visible: float
    worst_visible: float
    layers: int


def noise_of(ratios: Sequence[Interval]) -> Noise:
    """From ratios of equals, one for each layer, all with intervals. Raises ValueError for none.

    The floor is 1.96 standard deviations of such a ratio: the one that the intervals tell of, or the one that the
    estimates show by being off 1, whichever is greater.
    """
    if not ratios:
        raise ValueError("no ratio")
    told = math.sqrt(math.fsum(_error(each) ** 2 for each in ratios) / len(ratios))
    shown = math.sqrt(math.fsum(math.log(each.value) ** 2 for each in ratios) / len(ratios))
    seen = [each.visible or 0.0 for each in ratios]
    normal = t_quantile(0.5 + CONFIDENCE / 2, 1_000_000)
    return Noise(math.expm1(normal * max(told, shown)), median(seen), max(seen), len(ratios))


def _error(ratio: Interval) -> float:
    """The standard error of its log."""
    if not ratio.low or ratio.high is None:
        raise ValueError("a ratio without an interval")
    return math.log(ratio.high / ratio.low) / 2 / t_quantile(0.5 + CONFIDENCE / 2, ratio.launches - 1)
