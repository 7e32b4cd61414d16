"""Which method wins a layer, and at which error: the rows of methods.csv.

A method is an algorithm of ours, whatever chose it; the fastest row of each stands for it, of either face. The table is
made where a run measured more than the paper's three and naive: else categories.csv and faces.csv say it all.

The fastest of several is also the luckiest: a lead whose interval holds 1 is none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from harness.model.variant import INEXACT, PUBLISHED
from harness.results.numbers import number_text, ratio_texts
from harness.results.pairs import logs_between
from harness.results.rows import Row
from harness.stats.estimate import ratio
from harness.stats.interval import Interval

_COLUMNS = (
    "device,cluster,threads,cache,build,layer,category,algorithm,variant,face,layout,methods,median_ns,max_error,"
    "error_over_bound,exact,ratio_indirect,ratio_indirect_low,ratio_indirect_high,ratio_indirect_visible,"
    "other,other_variant,ratio,low,high,visible,emulated"
)
METHOD_COLUMNS = tuple(_COLUMNS.split(","))
# Sums of the products alone: no bound of an error is less than theirs.
USUAL = frozenset({"indirect", "im2col", "direct", "naive"})
_MORE = 1 + 1e-6  # a bound over another one


@dataclass
class MethodRow:
    """The fastest method of one layer in one place.

    ``indirect``: its speed over indirect as published; None where it is that row, or none was measured.
    ``other``, ``ratio``: the method that comes next, and the speed over it.
    """

    row: Row
    methods: int  # that have a time
    indirect: Interval | None
    other: Row | None
    ratio: Interval | None
    is_exact: bool | None  # no larger bound of its error than a sum of the products has; None: not known
    number: int = 0  # of the data row in methods.csv, from 1

    @property
    def is_clear(self) -> bool:
        """Whether it is known to be faster than the next one."""
        return self.ratio is not None and self.ratio.against_one() > 0

    @cached_property
    def columns(self) -> Mapping[str, str]:
        """The row as texts of methods.csv."""
        row, other = self.row, self.other
        return {
            **row.key.columns,
            "category": row.category,
            "algorithm": row.algorithm,
            "face": row.key.face,
            "layout": row.key.what.layout,
            "methods": str(self.methods),
            "median_ns": number_text(row.time.value if row.time else None),
            "max_error": number_text(row.error.largest),
            "error_over_bound": number_text(row.error.over_bound),
            "exact": "" if self.is_exact is None else str(int(self.is_exact)),
            **ratio_texts(self.indirect, "ratio_indirect", "ratio_indirect_low", "ratio_indirect_high"),
            "ratio_indirect_visible": number_text(self.indirect.visible if self.indirect else None),
            "other": other.algorithm if other else "",
            "other_variant": other.key.variant if other else "",
            **ratio_texts(self.ratio),
            "visible": number_text(self.ratio.visible if self.ratio else None),
            "emulated": str(int(row.emulated)),
        }


def make_methods(rows: Sequence[Row], least_pairs: int) -> list[MethodRow]:
    """All rows of methods.csv, in the order of results.csv; none where no further method was measured.

    ``rows``: of the run's own build; ``least_pairs``: as harness.results.pairs.compare has it.
    """
    ours = [row for row in rows if not (row.is_foreign or row.is_copy)]
    if not any(row.algorithm not in USUAL and row.has_samples for row in ours):
        return []
    places: dict[tuple[object, ...], list[Row]] = defaultdict(list)
    for row in ours:
        key = row.key
        if row.status == "ok" and row.time is not None:
            places[key.device, key.cluster, key.threads, key.cache, key.layer].append(row)
    found = [_winner(measured, least_pairs) for measured in places.values()]
    for number, each in enumerate(found, start=1):
        each.number = number
    return found


def _winner(measured: Sequence[Row], least_pairs: int) -> MethodRow:
    best: dict[str, Row] = {}
    for row in sorted(measured, key=lambda row: (_ns(row), row.number)):
        best.setdefault(row.algorithm, row)
    first, *rest = best.values()
    published = [row for row in measured if row.algorithm == "indirect" and row.key.face == PUBLISHED]
    indirect = min(published, key=lambda row: (not row.key.what.is_default, row.number), default=None)
    return MethodRow(
        first,
        len(best),
        _over(first, indirect, least_pairs) if indirect is not first else None,
        rest[0] if rest else None,
        _over(first, rest[0] if rest else None, least_pairs),
        _is_exact(first, measured),
    )


def _over(row: Row, other: Row | None, least_pairs: int) -> Interval | None:
    return ratio(logs_between(row, other, least_pairs)) if other is not None else None


def _is_exact(row: Row, measured: Iterable[Row]) -> bool | None:
    if row.algorithm in INEXACT:
        return False
    of_sums = [each.error.bound for each in measured if each.algorithm in USUAL and each.error.bound is not None]
    if row.error.bound is None or not of_sums:
        return None
    return row.error.bound <= min(of_sums) * _MORE


def _ns(row: Row) -> float:
    return row.time.value if row.time else float("inf")
