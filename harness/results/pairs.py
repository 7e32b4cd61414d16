"""Which rows are compared with which: only of one layer, build, number of threads and cache mode.

Face ``published``: with the other algorithms of the same kernel (the plain name stands for the algorithm where a
variant was measured under two).

Face ``best``: kernel and options differ by nature, so an algorithm, and ``auto``, is compared with the other algorithms
whatever they ran with: each at its best. Of all that was measured of an algorithm, as published too, what took the
least median time stands for it: a choice that turns out slower flatters nobody. And across faces: each algorithm with
its own published form, ``auto`` with all three; that on the same micro-kernel where there are several.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from harness.model.variant import AUTO
from harness.results.rows import PUBLISHED, Row
from harness.stats.estimate import launch_means, pair_logs

_COMPARED = ("indirect", "im2col", "direct")


def compare(rows: Iterable[Row]) -> None:
    """Fills in pairs and partners of rows of one cluster; rows without samples get none."""
    places: dict[tuple[object, ...], list[Row]] = defaultdict(list)
    for row in rows:
        key = row.key
        if row.observations:
            places[key.threads, key.cache, key.build, key.layer].append(row)
    for measured in places.values():
        published = [row for row in measured if not row.is_best]
        _compare_published(published)
        best = [row for row in measured if row.is_best]
        for row in best:
            is_auto = row.role == AUTO
            for other in _COMPARED:
                if is_auto or other != row.role:
                    _pair(row, other, _fastest(other, best, published))
                if is_auto or other == row.role:
                    _pair(row, PUBLISHED + other, _published(row, other, published))


def _compare_published(rows: Iterable[Row]) -> None:
    alike: dict[tuple[str, str], dict[str, Row]] = defaultdict(dict)
    for row in rows:
        group = alike[row.key.face, row.schedule]
        if row.algorithm in _COMPARED and (
            row.algorithm not in group or row.key.variant == f"{row.algorithm}/{row.schedule}"
        ):
            group[row.algorithm] = row
    for row in rows:
        for other in alike[row.key.face, row.schedule].values():
            if other.algorithm != row.algorithm:
                _pair(row, other.algorithm, other)


def _fastest(other: str, best: Iterable[Row], published: Iterable[Row]) -> Row | None:
    """Of an algorithm whose best schedule was measured; else None."""
    found = [r for r in best if r.role == other]
    if not found:
        return None
    return min([*found, *(r for r in published if r.role == other)], key=lambda r: (_ns(r), r.key.variant))


def _published(row: Row, other: str, published: Iterable[Row]) -> Row | None:
    def rank(r: Row) -> tuple[object, ...]:
        return (r.kernel != row.kernel, r.key.variant != f"{other}/{r.schedule}", _ns(r), r.key.variant)

    return min((r for r in published if r.algorithm == other), key=rank, default=None)


def _ns(row: Row) -> float:
    return row.time.value if row.time else float("inf")


def _pair(row: Row, name: str, other: Row | None) -> None:
    if other is not None:
        row.pairs[name] = launch_means(pair_logs(row.round_logs, other.round_logs))
        row.partners[name] = other
