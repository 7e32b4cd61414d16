"""Which rows are compared with which: only of one layer, build, number of threads and cache mode.

Face ``published``: with the other algorithms of the same schedule (the plain name stands for the algorithm where a
variant was measured under two).

Face ``best``: kernel and options differ by nature, so an algorithm, and ``auto``, is compared with the other algorithms
whatever they ran with: each at its best. Of all that was measured of an algorithm, as published too, what took the
least median time stands for it, on whichever side of a comparison: a choice that turns out slower flatters nobody. And
across faces: each algorithm with its own published form, ``auto`` with all three; that on the same micro-kernel where
there are several.

The second one of an A/A pair is compared with the first, and with nothing else.

A worker of somebody else is compared with each algorithm of ours and with ``auto``: with the fastest that was measured
of it, in the best form or as published. Two programs have no process in common, so these are pairs of a round.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from harness.judge.rounds import too_few
from harness.model.variant import AUTO
from harness.results.rows import AA, PUBLISHED_FORM, Row
from harness.stats.estimate import LaunchLogs, launch_logs, pair_logs

_COMPARED = ("indirect", "im2col", "direct")
BESIDE_WORKERS = (AUTO, *_COMPARED)


def compare(rows: Iterable[Row], least_pairs: int = 1) -> None:
    """Fills in pairs and partners of rows of one cluster; rows without valid samples get none.

    A pair counts where both are valid. Where ``least_pairs`` are not reached for that, there is no comparison.
    """
    rows = list(rows)
    _compare_copies(rows, least_pairs)
    rows = [row for row in rows if not row.is_copy]
    _compare_workers(rows, least_pairs)
    for measured in _places(rows):
        if measured[0].is_foreign:
            continue
        published = [row for row in measured if not row.is_best]
        _compare_published(published, least_pairs)
        standing = _standing(measured)
        for row in measured:
            if not row.is_best:
                continue
            is_auto = row.role == AUTO
            for other in _COMPARED:
                if is_auto or other != row.role:
                    _pair(row, other, standing.get(other), least_pairs)
                if is_auto or other == row.role:
                    _pair(row, PUBLISHED_FORM + other, _published(row, other, published), least_pairs)


def _compare_copies(rows: Iterable[Row], least_pairs: int) -> None:
    """The second one of each A/A pair with the first."""
    for measured in _places(rows):
        first = {row.key.what.asked: row for row in measured if not row.is_copy}
        for copy in measured:
            if copy.is_copy:
                _pair(copy, AA, first.get(copy.key.what.asked), least_pairs)


def each_at_its_best(rows: Iterable[Row]) -> Iterator[Mapping[str, Row]]:
    """The row that stands for each algorithm, and for ``auto``, wherever a best one of it was measured.

    One mapping by role for each device, cluster, number of threads, cache mode, build and layer of the rows.
    """
    for measured in _places(row for row in rows if not row.is_copy):
        if standing := _standing(measured):
            yield standing


def means_of(row: Row, other: str, partner: Row) -> LaunchLogs:
    """The log of the partner's time over the row's, by launch; ``other``: the partner's role.

    The other way round these are the same numbers negated.
    """
    if row.partners.get(other) is partner:
        return row.pairs[other]
    return launch_logs(pair_logs(row.round_logs, partner.round_logs))


def logs_between(row: Row, other: Row, least_pairs: int) -> LaunchLogs:
    """The log of the other's time over the row's, by launch; empty where too few of their pairs are valid."""
    logs = pair_logs(row.round_logs, other.round_logs)
    total, valid = len(row.rounds & other.rounds), sum(map(len, logs.values()))
    is_short = bool(row.tainted or other.tainted) and too_few(valid, total, least_pairs)
    return {} if is_short else launch_logs(logs)


def are_mutual(row: Row, other: str) -> bool:
    """Whether the row and what it is compared with as that algorithm stand for both algorithms the other way round."""
    partner = row.partners.get(other)
    return partner is not None and partner.partners.get(row.role) is row


def _places(rows: Iterable[Row]) -> Iterable[Sequence[Row]]:
    """The rows with samples, together where they may be compared."""
    places: dict[tuple[object, ...], list[Row]] = defaultdict(list)
    for row in rows:
        key = row.key
        if row.observations and row.status != "unjudged":
            places[key.device, key.cluster, key.threads, key.cache, key.build, key.layer].append(row)
    return places.values()


def _compare_workers(rows: Iterable[Row], least_pairs: int) -> None:
    places: dict[tuple[object, ...], list[Row]] = defaultdict(list)
    for row in rows:
        if row.observations and row.status != "unjudged":
            places[row.key.device, row.key.cluster, row.key.threads, row.key.cache, row.key.layer].append(row)
    for measured in places.values():
        foreign = [row for row in measured if row.is_foreign]
        ours = [row for row in measured if not row.is_foreign] if foreign else []
        fastest = _fastest(row for row in ours if not row.other_build)
        for row in foreign:
            for name in BESIDE_WORKERS:
                if name in fastest:
                    _pair_apart(row, name, fastest[name], least_pairs)


def _pair_apart(row: Row, name: str, other: Row, least_pairs: int) -> None:
    _take(row, name, other, logs_apart(row, other), len(row.attempt_rounds & other.attempt_rounds), least_pairs)


def logs_apart(row: Row, other: Row) -> dict[int, list[float]]:
    """Log of the other's time over the row's, of two programs: of each round where both are valid, by launch."""
    seen = row.seen & other.seen
    return pair_logs(row.attempt_logs(seen), other.attempt_logs(seen))


def _fastest(rows: Iterable[Row]) -> dict[str, Row]:
    """By role, the row of the least median time."""
    fastest: dict[str, Row] = {}
    for row in sorted(rows, key=lambda row: (_ns(row), row.key.variant, row.key.face)):
        fastest.setdefault(row.role, row)
    return fastest


def _standing(measured: Sequence[Row]) -> dict[str, Row]:
    """By role the fastest row, best or published, of those of which a best one was measured."""
    roles = {row.role for row in measured if row.is_best}
    return _fastest(row for row in measured if row.role in roles)


def _compare_published(rows: Iterable[Row], least_pairs: int) -> None:
    alike: dict[tuple[str, str], dict[str, Row]] = defaultdict(dict)
    for row in rows:
        group = alike[row.key.face, row.schedule]
        if row.algorithm in _COMPARED and (row.algorithm not in group or row.key.what.is_default):
            group[row.algorithm] = row
    for row in rows:
        for other in alike[row.key.face, row.schedule].values():
            if other.algorithm != row.algorithm:
                _pair(row, other.algorithm, other, least_pairs)


def _published(row: Row, other: str, published: Iterable[Row]) -> Row | None:
    def rank(r: Row) -> tuple[object, ...]:
        return (r.kernel != row.kernel, not r.key.what.is_default, _ns(r), r.key.variant)

    return min((r for r in published if r.algorithm == other), key=rank, default=None)


def _ns(row: Row) -> float:
    return row.time.value if row.time else float("inf")


def _pair(row: Row, name: str, other: Row | None, least_pairs: int) -> None:
    if other is None:
        return
    logs = pair_logs(row.round_logs, other.round_logs)
    _take(row, name, other, logs, len(row.rounds & other.rounds), least_pairs)


def _take(row: Row, name: str, other: Row, logs: Mapping[int, Sequence[float]], total: int, least_pairs: int) -> None:
    """The comparison, of which that many pairs were measured; without pairs where too few of them are valid."""
    row.partners[name] = other
    row.pairs[name] = launch_logs(logs)
    valid = sum(map(len, logs.values()))
    if (row.tainted or other.tainted) and too_few(valid, total, least_pairs):
        row.pairs[name] = {}
        row.pairs_left_out[name] = (valid, total)
