"""Holm's correction of p values for many comparisons at once (Holm 1979)."""

from __future__ import annotations

from collections.abc import Sequence


def holm(values: Sequence[float]) -> list[float]:
    """The adjusted p values in the same order.

    Where all that are below a level are taken for differences, a false one is among them with no more than that
    probability, whatever the comparisons have in common.
    """
    order = sorted(range(len(values)), key=values.__getitem__)
    adjusted = [0.0] * len(values)
    least = 0.0
    for rank, place in enumerate(order):
        least = max(least, min(1.0, values[place] * (len(values) - rank)))
        adjusted[place] = least
    return adjusted
