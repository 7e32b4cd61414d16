"""What may answer for a layer in categories.csv: pairs of rows, of two algorithms always the same two both ways."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.model.variant import AUTO, BEST
from harness.results.pairs import BESIDE_WORKERS, are_mutual, each_at_its_best, means_of
from harness.results.rows import PUBLISHED_FORM, Row
from harness.stats.estimate import LaunchLogs, turned

PAIRS = (
    ("indirect", "im2col"),
    ("indirect", "direct"),
    ("direct", "im2col"),
    ("direct", "indirect"),
    ("im2col", "indirect"),
    ("im2col", "direct"),
)
# Of face best alone: what auto gains, and each algorithm against its published form.
AUTO_PAIRS = tuple((AUTO, other) for other in ("im2col", "direct", "indirect"))
FACE_PAIRS = (
    *((AUTO, PUBLISHED_FORM + other) for other in ("indirect", "im2col", "direct")),
    *((name, PUBLISHED_FORM + name) for name in ("indirect", "im2col", "direct")),
)


@dataclass(frozen=True)
class Comparison:
    """Two rows of one layer, both of status ok and measured in the same rounds.

    ``rank``: where several comparisons may answer for a layer, that of the least rank does. ``means``: by launch, the
    log of the partner's time over the row's.
    """

    face: str
    algorithm: str
    other: str
    row: Row
    rank: tuple[float, ...]
    means: LaunchLogs


def comparisons(rows: Sequence[Row]) -> Iterator[Comparison]:
    """Every one that may answer for a layer of a category, in the order of the rows."""
    yield from _published(rows)
    builds = {build: n for n, build in enumerate(dict.fromkeys(row.key.build for row in rows))}
    for standing in each_at_its_best(rows):
        for algorithm, other in (*PAIRS, *AUTO_PAIRS):
            row, partner = standing.get(algorithm), standing.get(other)
            if row is not None and partner is not None and _is_sound(row, partner):
                means = means_of(row, other, partner)
                if means:
                    yield Comparison(BEST, algorithm, other, row, (builds[row.key.build],), means)
    for row in rows:
        time = row.time.value if row.time else math.inf
        for algorithm, other in FACE_PAIRS if row.is_best else ():
            if algorithm == row.role and row.pairs.get(other) and _is_sound(row, row.partners[other]):
                yield Comparison(BEST, algorithm, other, row, (builds[row.key.build], time), row.pairs[other])
    yield from _workers(rows)


def _workers(rows: Sequence[Row]) -> Iterator[Comparison]:
    """Workers of somebody else and ours, both ways from the same pairs; of several rows of a worker the fastest."""
    for row in rows:
        if not row.is_foreign:
            continue
        rank = (0, row.time.value if row.time else math.inf)
        for other in BESIDE_WORKERS:
            partner, means = row.partners.get(other), row.pairs.get(other)
            if partner is not None and means and _is_sound(row, partner):
                yield Comparison(BEST, row.role, other, row, rank, means)
                yield Comparison(BEST, other, row.role, partner, rank, turned(means))


def _published(rows: Sequence[Row]) -> Iterator[Comparison]:
    """Of several schedules the default one, then that of the kernel that most rows ran, then the first."""
    kernels: dict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
    for row in rows:
        kernels[row.key.device, row.key.cluster, row.key.face][row.kernel] += 1
    for row in rows:
        for algorithm, other in () if row.is_best else PAIRS:
            if algorithm != row.algorithm or not row.pairs.get(other) or not are_mutual(row, other):
                continue
            partner = row.partners[other]
            if _is_sound(row, partner):
                two, known = (row, partner), kernels[row.key.device, row.key.cluster, row.key.face]
                # Of both, so that the two directions take the same pair of rows.
                labels, count = sum(not each.key.what.is_default for each in two), sum(known[r.kernel] for r in two)
                rank = (labels, -count, min(row.number, partner.number))
                yield Comparison(row.key.face, algorithm, other, row, rank, row.pairs[other])


def _is_sound(row: Row, partner: Row) -> bool:
    return row.status == partner.status == "ok" and bool(row.category)
