"""When a ratio is known well enough to stop: decided on whole launches, at fixed looks, so that intervals stay honest.

To stop as soon as an interval is narrow is to stop where the spread came out small by chance: its interval then is too
short. So there are few looks, and at each two things have to hold: the interval is narrow enough, and the launches of
the first half alone foretold it, with a margin. What was chance in the first half is not in the second.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import cache

from harness.model.launches import LEAST_LAUNCHES
from harness.stats.interval import CONFIDENCE, half_width, t_quantile

_MARGIN = 0.8  # the spread is taken for so likely no greater than it is foretold


def is_precise(logs: Sequence[float], precision: float) -> bool:
    """Whether measuring may end at this look: ``logs`` of a ratio, in the order of their launches.

    ``precision``: the width that the interval is to have at most (0.01: its ends are 1 % apart). True where the
    interval of all launches is no wider, and was foretold to be by their first half. Never with fewer than twice as
    many launches as an interval needs.
    """
    launches = len(logs)
    first = logs[: launches // 2]
    half = half_width(first)
    if math.isnan(half):
        return False
    most = math.log1p(precision) / 2
    error = half / t_quantile(0.5 + CONFIDENCE / 2, len(first) - 1) * math.sqrt(len(first) / launches)
    foretold = t_quantile(0.5 + CONFIDENCE / 2, launches - 1) * error * _margin(len(first) - 1)
    return half_width(logs) <= most and foretold <= most


def next_look(launches: int) -> int:
    """After how many launches is looked next: half as many again."""
    return max(launches + 1, math.ceil(1.5 * launches))


def launches_wanted(ratios: Iterable[Sequence[float]], launches: int, precision: float, most: int) -> int:
    """How many launches a layer is to have, now that ``launches`` are measured: that many, where it may end.

    ``ratios``: those that matter, each as its launches' logs in their order; a launch without valid pairs is
    absent. All of them have to be precise (``is_precise``). ``most``: what the budget allows in all.
    """
    if launches >= most or all(is_precise(logs, precision) for logs in ratios):
        return launches
    return min(max(next_look(launches), 2 * LEAST_LAUNCHES), most)


@cache
def _margin(freedom: int) -> float:
    """How many times the spread that was seen is the one that is taken for it: the upper end of its interval."""
    from scipy.special import chdtri  # noqa: PLC0415  as in interval

    return math.sqrt(freedom / float(chdtri(freedom, _MARGIN)))
