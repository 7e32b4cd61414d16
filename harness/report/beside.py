"""Workers of somebody else beside ours, on one cluster: tables, and the line that ends a terminal's output."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.model.emulation import marked
from harness.model.layer import CATEGORIES, CATEGORY_TITLES, Layer
from harness.report.blocks import MeansLine, means_lines
from harness.report.clauses import Clause, clause_beside, preferred_cache
from harness.report.sentences import CACHE_WORDS, Sentence
from harness.results.categories import CategoryRow
from harness.results.pairs import BESIDE_WORKERS
from harness.results.results import Results
from harness.results.rows import Row
from harness.results.workers import WorkerRow


@dataclass(frozen=True)
class BesideLine:
    """One layer of a worker; ``cells``: its speed over each of ours that the block names."""

    layer: str
    shape: Layer | None
    row: Row
    cells: list[WorkerRow | None]


@dataclass(frozen=True)
class BesideBlock:
    """A worker on one cluster in one cache mode."""

    name: str
    cache: str
    words: str
    others: list[str]  # of ours, those that it was compared with
    means: list[MeansLine]  # over each of the others
    layers: dict[str, list[BesideLine]]  # by category's title

    @property
    def table(self) -> str:
        """What its table of layers is called, and no other one."""
        return f"beside {self.name}"

    @property
    def rows(self) -> list[Row]:
        """The rows of its layers."""
        return [line.row for lines in self.layers.values() for line in lines]


def beside_blocks(results: Results, sentence: Sentence, rows: Sequence[Row]) -> list[BesideBlock]:
    """One block per worker and cache mode, a worker's together, the mode of the opening sentence first.

    ``rows`` are those of one cluster that workers of somebody else measured.
    """
    place = sentence.where
    ratios = {(id(each.row), each.partner.role): each for each in results.workers_of(*place) if each.row.is_foreign}
    means = {
        (row.cache, row.algorithm, row.other, row.category): row
        for row in results.categories_of(*place)
        if row.other in BESIDE_WORKERS
    }
    first = sentence.cache or preferred_cache({row.key.cache for row in rows})
    found: dict[str, dict[str, list[Row]]] = {}
    for row in rows:
        found.setdefault(row.role, {}).setdefault(row.key.cache, []).append(row)
    return [
        _block(results, name, cache, caches[cache], ratios, means)
        for name, caches in found.items()
        for cache in sorted(caches, key=lambda c: (c != first, c))
    ]


def _block(
    results: Results,
    name: str,
    cache: str,
    rows: Sequence[Row],
    ratios: Mapping[tuple[int, str], WorkerRow],
    means: Mapping[tuple[str, str, str, str], CategoryRow],
) -> BesideBlock:
    others = [other for other in BESIDE_WORKERS if any((id(row), other) in ratios for row in rows)]
    layers: dict[str, list[BesideLine]] = {}
    for category in (*CATEGORIES, ""):
        for row in rows:
            if row.category == category:
                cells = [ratios.get((id(row), other)) for other in others]
                line = BesideLine(row.key.layer, results.run.layers.get(row.key.layer), row, cells)
                layers.setdefault(CATEGORY_TITLES[category], []).append(line)
    lines = means_lines(others, lambda category, other: means.get((cache, name, other, category)))
    return BesideBlock(name, cache, CACHE_WORDS.get(cache, cache), others, lines, layers)


@dataclass(frozen=True)
class Beside:
    """What a worker showed beside ours on one cluster, as a part of the answer."""

    name: str
    sentence: Sentence
    clauses: list[Clause]  # by category, the first of ours that was measured beside it
    rest: str  # why there are none; what failed

    @property
    def said(self) -> str:
        """``auto is 1.21x [1.18, 1.24] of its speed on larger kernels (5 layers) [hot]``."""
        return "; ".join(clause.text for clause in self.clauses) + self.rest


def besides(results: Results, sentences: Sequence[Sentence]) -> Iterator[Beside]:
    """One for each worker and cluster. In the place of ``auto`` stands the first of ours that was measured."""
    for sentence in sentences:
        place = sentence.where
        rows: dict[str, list[Row]] = {}
        for row in results.rows_of(*place):
            if row.is_foreign:
                rows.setdefault(row.role, []).append(row)
        means: dict[str, list[CategoryRow]] = {}
        for mean in results.categories_of(*place) if rows else ():
            if mean.other in rows:
                means.setdefault(mean.other, []).append(mean)
        for name, of_it in rows.items():
            yield _beside(sentence, name, means.get(name, []), of_it)


def beside_texts(found: Sequence[Beside]) -> list[str]:
    """A line for each; the cluster is named where there are several."""
    several = len({id(each.sentence) for each in found}) > 1
    wheres = [f" on {each.sentence.place}" * several for each in found]
    return [
        marked(each.sentence.device.mark, f"{each.name}{where}: {each.said}")
        for each, where in zip(found, wheres, strict=True)
    ]


def _beside(sentence: Sentence, name: str, means: Sequence[CategoryRow], rows: Sequence[Row]) -> Beside:
    if not means:
        return Beside(name, sentence, [], _why_not(rows))
    cache = sentence.cache or preferred_cache({mean.cache for mean in means})
    clauses = []
    for category in CATEGORIES:
        alike = {mean.algorithm: mean for mean in means if (mean.cache, mean.category) == (cache, category)}
        found = next((alike[ours] for ours in BESIDE_WORKERS if ours in alike), None)
        if found is not None:
            clauses.append(clause_beside(found))
    failed = _counts(rows)
    rest = ("" if clauses else "nothing to compare it with") + f" [{cache}]"
    return Beside(name, sentence, clauses, rest + (f"; rows: {failed}" if failed else ""))


def _why_not(rows: Sequence[Row]) -> str:
    if any(row.has_samples for row in rows):
        return "nothing of ours was measured in the same rounds" + (f"; rows: {c}" if (c := _counts(rows)) else "")
    reason = next((row.reason for row in rows if row.reason), "")
    return f"not measured (rows: {_counts(rows)}){': ' + reason if reason else ''}"


def _counts(rows: Sequence[Row]) -> str:
    """The rows that have no time, by status: ``3 error, 1 wrong``."""
    counts = Counter(row.status for row in rows if row.status != "ok")
    return ", ".join(f"{count} {status}" for status, count in counts.items())
