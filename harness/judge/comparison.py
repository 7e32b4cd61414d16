"""What ratios of best to published schedules can tell. A ratio under 1: slower."""

from __future__ import annotations

LEAST_MEAN = 0.85  # below, the published im2col is no fair measure of others
LEAST_LAYER = 0.7
SLOWER = 0.95  # best against published: what lies above may be noise on one of many layers


def is_weak_baseline(mean: float, worst: float) -> bool:
    """Ratios over the published im2col flatter: it is far from the best one, in the mean or on a layer."""
    return mean < LEAST_MEAN or worst < LEAST_LAYER


def is_clearly_slower(ratio: float, high: float | None) -> bool:
    """Slower by more than noise may be; ``high``: the interval's end, None without one."""
    return high is not None and high < 1 and ratio < SLOWER
