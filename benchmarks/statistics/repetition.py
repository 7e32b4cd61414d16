"""Launches that go on until a ratio is known well enough: what a stopping rule does to the intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from benchmarks.statistics.found import Found
from benchmarks.statistics.ours import Sided, found_of, judge_all, valid_logs
from harness.model.policy import Policy
from harness.stats.interval import from_launch_logs
from harness.stats.location import hodges_lehmann

# Ratios, each as its launches' logs; launches so far; the width wanted; most launches. How many there are to be.
Rule = Callable[[Iterable[Sequence[float]], int, float, int], int]


@dataclass(frozen=True)
class Repeated:
    """What was found, and by stream after how many launches."""

    found: Found
    launches: Sequence[int]


def logs_of_launches(sided: Sided, policy: Policy) -> list[list[float]]:
    """Of each stream the launches' log ratios, in order; those without a valid pair are absent."""
    every = valid_logs(sided, judge_all(sided, policy))
    return [[hodges_lehmann(logs.tolist()) for logs in stream if len(logs)] for stream in every]


def repeated(means: Sequence[Sequence[float]], rule: Rule, first: int, precision: float, most: int) -> Repeated:
    """Each stream as the rule ends it, from ``first`` launches on and at ``most``, and the interval of what it has."""
    intervals, counts = [], []
    for stream in means:
        launches = min(first, len(stream))
        while (wanted := min(rule([stream[:launches]], launches, precision, most), len(stream))) > launches:
            launches = wanted
        intervals.append(from_launch_logs(stream[:launches]) if launches else None)
        counts.append(launches)
    return Repeated(found_of(intervals), counts)


def fixed(_: Iterable[Sequence[float]], launches: int, __: float, ___: int) -> int:
    """The launches that there are: no rule."""
    return launches


def as_soon_as_narrow(ratios: Iterable[Sequence[float]], launches: int, precision: float, most: int) -> int:
    """To stop at the first interval that is narrow enough: what must not be done, for comparison."""
    widths = [from_launch_logs(means).width if means else None for means in ratios]
    narrow = all(each is not None and each <= precision for each in widths)
    return launches if launches >= most or narrow else launches + 1
