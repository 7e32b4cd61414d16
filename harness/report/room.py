"""Which tables of layers a page shows: the most important ones, so that many phones give no page of ten megabytes.

What is left out stands in results.csv, and the page says where.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate

from harness.report.blocks import CategoryBlock
from harness.report.context import ClusterBlock, Context
from harness.report.methods import MethodsBlock
from harness.report.sentences import Sentence
from harness.results.rows import Row

# Measured rows, of about 1 kB each.
MOST_ROWS = 1200  # beside the first table of each cluster
LARGE = 1500  # more in the first tables: a large page, whose rows have no commands and whose clusters no charts
MOST_FIRST = 2600  # in the first tables of a large page; those of the last clusters are left out

# Device, cluster, threads, cache mode; what: published, auto, best, methods, layouts, beside NAME.
Place = tuple[str, str, int, str, str]


@dataclass(frozen=True)
class _Table:
    place: Place
    rank: float  # 0: the most important
    rows: list[Row]
    numbers: list[int]  # of the rows of its file
    file: str = "results.csv"

    @property
    def size(self) -> int:
        return sum(row.time is not None for row in self.rows)


class Room:
    """What is in the page and what is not: by importance, of all clusters or of none, while there is room.

    ``is_large``: what each cell of the heat tables tells is left out of the tables of layers, and so are charts.
    """

    def __init__(self, context: Context, most_rows: int = MOST_ROWS, large: int = LARGE) -> None:
        methods = {of.sentence.where: of.blocks for of in context.methods}
        clusters = [
            [*_tables(cluster), *_methods(cluster.sentence, methods.get(cluster.sentence.where, ()))]
            for device in context.devices
            for cluster in device.clusters
        ]
        self._tables = {table.place: table for tables in clusters for table in tables}
        firsts = [min(tables, key=lambda table: table.rank) for tables in clusters if tables]
        sums_of_first = list(accumulate(table.size for table in firsts))
        first = {table.place for table, total in zip(firsts, sums_of_first, strict=True) if total <= MOST_FIRST}
        self.is_large = sum(table.size for table in firsts) > large
        most_rows = 0 if self.is_large else most_rows
        sizes: Counter[float] = Counter()
        for table in self._tables.values():
            if table.place not in first:
                sizes[table.rank] += table.size
        ranks = sorted(sizes)
        sums = accumulate(sizes[rank] for rank in ranks)
        full = {rank for rank, total in zip(ranks, sums, strict=True) if total > most_rows}
        self._left_out = {table.place for table in self._tables.values() if table.rank in full} - first

    @property
    def has_all(self) -> bool:
        """Whether nothing is left out."""
        return not self._left_out

    def has(self, sentence: Sentence, cache: str, what: str) -> bool:
        """Whether that table of the sentence's cluster is in the page; ``what``: as in ``Place``."""
        return _place(sentence, cache, what) not in self._left_out

    def elsewhere(self, sentence: Sentence, cache: str, what: str) -> str:
        """Where the rows of a table stand: ``rows 1 to 216 of results.csv``."""
        table = self._tables[_place(sentence, cache, what)]
        return f"rows {min(table.numbers)} to {max(table.numbers)} of {table.file}"


def _place(sentence: Sentence, cache: str, what: str) -> Place:
    return (*sentence.where, cache, what)


def _tables(cluster: ClusterBlock) -> Iterator[_Table]:
    """In the answer's cache mode, then in the others: as published, and what auto chose.

    Then workers of somebody else beside ours, and every variant of best.
    """
    for n, block in enumerate(cluster.caches):
        yield _of_rows(_place(cluster.sentence, block.cache, "published"), 2 * (n > 0), _rows(block.categories))
    for n, best in enumerate(cluster.best):
        if best.choices:
            chosen = [choice.row for choices in best.choices.values() for choice in choices]
            yield _of_rows(_place(cluster.sentence, best.cache, "auto"), 1 + 2 * (n > 0), chosen)
        yield _of_rows(_place(cluster.sentence, best.cache, "best"), 6 + (n > 0), _rows(best.categories))
    for beside in cluster.beside:
        later = beside.cache != cluster.beside[0].cache
        yield _of_rows(_place(cluster.sentence, beside.cache, beside.table), 4 + later, beside.rows)


def _methods(sentence: Sentence, blocks: Iterable[MethodsBlock]) -> Iterator[_Table]:
    """Which method wins, and what a layout saves: behind what auto chose in the same cache mode."""
    for n, block in enumerate(blocks):
        rank, wins = 1.5 + 2 * (n > 0), block.rows
        place = _place(sentence, block.cache, "methods")
        yield _Table(place, rank, [each.row for each in wins], [each.number for each in wins], "methods.csv")
        if block.layouts:
            rows = [line.row for line in block.layouts]
            yield _of_rows(_place(sentence, block.cache, "layouts"), rank, rows)


def _of_rows(place: Place, rank: float, rows: list[Row]) -> _Table:
    return _Table(place, rank, rows, [row.number for row in rows])


def _rows(categories: Iterable[CategoryBlock]) -> list[Row]:
    return [row for category in categories for layer in category.layers for row in layer.rows]
