"""Which row of the base answers to which row of the new run.

By what was asked for, not by what ran: a build may choose another kernel or algorithm, and that is what a comparison
has to see. Where something was asked for more than once (by several workers' schedules), by the variant's name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.results.rows import Row

_Place = tuple[object, ...]


@dataclass(frozen=True)
class Match:
    """Two rows of one place; at the least one of them is not a skip."""

    base: Row
    new: Row


@dataclass(frozen=True)
class Matches:
    """All pairs of rows, and the rows that only one of the runs has."""

    matches: Sequence[Match]
    only_base: Sequence[Row]
    only_new: Sequence[Row]


def match_rows(base: Iterable[Row], new: Iterable[Row], devices: Mapping[str, str]) -> Matches:
    """In the order of the new run's rows; ``devices``: new's names by base's. What both skip is in neither list."""
    names = {theirs: ours for ours, theirs in devices.items()}
    left, right = _by_place(base, {}), _by_place(new, names)
    matches: list[Match] = []
    only_base: list[Row] = []
    only_new: list[Row] = []
    for place, theirs in right.items():
        ours = left.pop(place, [])
        pairs = list(_pairs(ours, theirs))
        matches += [Match(*pair) for pair in pairs]
        only_base += _without(ours, [pair[0] for pair in pairs])
        only_new += _without(theirs, [pair[1] for pair in pairs])
    only_base += [row for rows in left.values() for row in rows]
    return Matches(
        [match for match in matches if not match.base.status == match.new.status == "skip"],
        [row for row in only_base if row.status != "skip"],
        [row for row in only_new if row.status != "skip"],
    )


def _by_place(rows: Iterable[Row], names: Mapping[str, str]) -> dict[_Place, list[Row]]:
    found: dict[_Place, list[Row]] = defaultdict(list)
    for row in rows:
        device, *rest = row.key.place
        found[names.get(str(device), device), *rest].append(row)
    return found


def _pairs(ours: Sequence[Row], theirs: Sequence[Row]) -> Iterator[tuple[Row, Row]]:
    if len(ours) == len(theirs) == 1:
        yield ours[0], theirs[0]
        return
    by_name = {row.key.variant: row for row in reversed(ours)}
    for row in theirs:
        known = by_name.pop(row.key.variant, None)
        if known is not None:
            yield known, row


def _without(rows: Sequence[Row], taken: Sequence[Row]) -> list[Row]:
    return [row for row in rows if not any(row is each for each in taken)]
