"""The paper's claims beside what a cluster showed. Only what its abstract says is said of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.model.variant import BEST, PUBLISHED
from harness.report.charts import memory_pairs
from harness.report.clauses import answering_caches
from harness.report.sentences import Sentence
from harness.results.categories import CategoryRow
from harness.results.results import Results
from harness.results.rows import Row
from harness.results.run import RunData


@dataclass(frozen=True)
class MemoryPoint:
    """One layer's pointer buffer over its im2col matrix, and 2/Cin, which it would be without rounding to tiles."""

    matrix: Row
    pointers: Row
    measured: float
    expected: float


@dataclass(frozen=True)
class Claims:
    """What one cluster showed, claim by claim; None where it has no such measurement."""

    sentence: Sentence
    largest: Row | None  # the layer with the largest ratio over im2col where that copies
    copying: int  # how many layers that is the largest of
    larger: CategoryRow | None
    larger_best: CategoryRow | None  # each at its best
    strided: CategoryRow | None
    loss: CategoryRow | None  # indirect against direct on 1x1 stride 1
    memory: tuple[MemoryPoint, ...]


def make_claims(results: Results, sentences: Sequence[Sentence]) -> list[Claims]:
    """Claims of every cluster that measured something, each category in the cache mode that answers for it."""
    found: list[Claims] = []
    run = results.run
    for sentence in sentences:
        rows = results.rows_of(*sentence.where)
        ours = [row for row in rows if not row.is_best and row.key.cache == sentence.cache]
        measured = results.categories_of(*sentence.where)
        caches = answering_caches(measured)
        both = {
            (row.face, row.category, row.algorithm, row.other): row
            for row in measured
            if row.cache == caches.get(row.category, sentence.cache)
        }
        means = {key[1:]: row for key, row in both.items() if key[0] == PUBLISHED}
        copying = [
            row
            for row in ours
            if row.status == "ok"
            and row.algorithm == "indirect"
            and row.key.what.is_default
            and row.category in {"larger", "1x1s2"}
            and row.ratio("im2col")
        ]
        memory = tuple(_memory_point(run, matrix, pointers) for matrix, pointers in memory_pairs(ours)
                       if matrix.key.layer in run.layers and matrix.category != "grouped")  # fmt: skip
        if copying or means or memory:
            found.append(
                Claims(
                    sentence,
                    max(copying, key=_over_im2col, default=None),
                    len(copying),
                    means.get(("larger", "indirect", "im2col")),
                    both.get((BEST, "larger", "indirect", "im2col")),
                    means.get(("1x1s2", "indirect", "im2col")),
                    means.get(("1x1s1", "indirect", "direct")),
                    memory,
                )
            )
    return found


def _over_im2col(row: Row) -> float:
    interval = row.ratio("im2col")
    return interval.value if interval else 0.0


def _memory_point(run: RunData, matrix: Row, pointers: Row) -> MemoryPoint:
    measured = (pointers.pointer_bytes or 0) / (matrix.matrix_bytes or 1)
    return MemoryPoint(matrix, pointers, measured, 2 / run.layers[matrix.key.layer].cin)
