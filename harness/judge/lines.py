"""Whether the lines of one run of records are all there, by their numbers and the count of the end record."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise


def gaps(numbers: Iterable[int], counted: int | None) -> list[tuple[int, int]]:
    """First and last number of each stretch of lines that are missing; ``counted``: by the end, None without one."""
    seen = sorted(set(numbers))
    after = seen[-1] + 1 if counted is None else max(counted, seen[-1] + 1)
    return [(low + 1, high - 1) for low, high in pairwise([-1, *seen, after]) if high - low > 1]


def surplus(numbers: Iterable[int], counted: int | None) -> int:
    """How many lines there are beyond those that the numbers and the end's count allow."""
    every = list(numbers)
    allowed = set(every) if counted is None else {number for number in every if number < counted}
    return len(every) - len(allowed)
