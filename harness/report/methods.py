"""Which method wins each layer, and what a layout saves: the tables of a cluster, and its line among all clusters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from harness.model.layer import CATEGORIES, CATEGORY_TITLES, Layer
from harness.report.clauses import preferred_cache
from harness.report.sentences import CACHE_WORDS, Sentence
from harness.results.methods import MethodRow
from harness.results.results import Results
from harness.results.rows import Row, algorithm_order


@dataclass(frozen=True)
class MethodLine:
    """The fastest method of a layer."""

    layer: str
    shape: Layer | None
    row: MethodRow


@dataclass(frozen=True)
class LayoutLine:
    """A layer by im2col on NCHW, and by im2col as published on NHWC where that was measured beside it."""

    layer: str
    row: Row
    nhwc: Row | None

    @property
    def turning_ns(self) -> float | None:
        """What bringing the input to NCHW and the output back takes."""
        there, back = self.row.to_nchw_ns, self.row.to_nhwc_ns
        return None if there is None or back is None else there + back


@dataclass(frozen=True)
class MethodsBlock:
    """One cluster in one cache mode."""

    cache: str
    words: str
    methods: list[str]  # that win any layer, in the order of tables
    lines: dict[str, list[MethodLine]]  # by category's title
    layouts: list[LayoutLine]

    @property
    def rows(self) -> list[MethodRow]:
        """All lines'."""
        return [line.row for lines in self.lines.values() for line in lines]

    @property
    def wins(self) -> Counter[str]:
        """By method, the layers on which it is the fastest."""
        return Counter(row.row.algorithm for row in self.rows)

    @property
    def clear(self) -> Counter[str]:
        """Those of them on which it is known to be faster than the next one."""
        return Counter(row.row.algorithm for row in self.rows if row.is_clear)

    @property
    def wider(self) -> list[str]:
        """The methods among them whose error has a larger bound than that of sums."""
        return list(dict.fromkeys(row.row.algorithm for row in self.rows if row.is_exact is False))

    @property
    def worst(self) -> MethodRow | None:
        """That of the largest error."""
        known = [row for row in self.rows if row.row.error.largest is not None]
        return max(known, key=lambda row: row.row.error.largest or 0, default=None)


@dataclass(frozen=True)
class MethodsOf:
    """One cluster: its cache modes, that of the answer first."""

    sentence: Sentence
    blocks: list[MethodsBlock]


def make_method_blocks(results: Results, sentences: Iterable[Sentence]) -> Iterator[MethodsOf]:
    """One for each cluster where further methods were measured."""
    for sentence in sentences:
        found = results.methods_of(*sentence.where)
        if found:
            caches = {each.row.key.cache for each in found}
            first = sentence.cache or preferred_cache(caches)
            order = sorted(caches, key=lambda cache: (cache != first, cache))
            yield MethodsOf(sentence, [_block(results, sentence, cache, found) for cache in order])


def _block(results: Results, sentence: Sentence, cache: str, found: Sequence[MethodRow]) -> MethodsBlock:
    of_cache = [each for each in found if each.row.key.cache == cache]
    lines: dict[str, list[MethodLine]] = {}
    for category in (*CATEGORIES, ""):
        for each in of_cache:
            if each.row.category == category:
                line = MethodLine(each.row.key.layer, results.run.layers.get(each.row.key.layer), each)
                lines.setdefault(CATEGORY_TITLES[category], []).append(line)
    methods = sorted({each.row.algorithm for each in of_cache}, key=algorithm_order)
    rows = [row for row in results.rows_of(*sentence.where) if row.key.cache == cache and row.time is not None]
    return MethodsBlock(cache, CACHE_WORDS.get(cache, cache), methods, lines, list(_layouts(rows)))


def _layouts(rows: Sequence[Row]) -> Iterator[LayoutLine]:
    """The rows that have a layout of their own and nothing said of their schedule; ``rows`` of one cache mode."""
    for row in rows:
        if row.to_nchw_ns is not None and row.key.what.is_default:
            yield LayoutLine(row.key.layer, row, row.partners.get("im2col"))
