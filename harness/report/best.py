"""Face best of one cluster, apart from the paper's comparison: what auto chose, and what it gains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from harness.model.layer import CATEGORIES, CATEGORY_TITLES, Layer
from harness.model.variant import AUTO
from harness.report.blocks import CategoryBlock, MeansLine, category_blocks, means_lines
from harness.report.clauses import preferred_cache
from harness.report.sentences import CACHE_WORDS, Sentence
from harness.results.categories import CategoryRow
from harness.results.faces import FaceRow
from harness.results.rows import PUBLISHED_FORM, Row
from harness.results.run import RunData

Means = Mapping[tuple[str, str, str], CategoryRow]  # by category, algorithm, other

# The columns of the means: title, algorithm, other; all of face best.
GAINS = (
    ("indirect over im2col, each at its best", "indirect", "im2col"),
    ("auto over published indirect", AUTO, f"{PUBLISHED_FORM}indirect"),
    ("auto over best im2col", AUTO, "im2col"),
    ("indirect: best over published", "indirect", f"{PUBLISHED_FORM}indirect"),
    ("im2col: best over published", "im2col", f"{PUBLISHED_FORM}im2col"),
    ("direct: best over published", "direct", f"{PUBLISHED_FORM}direct"),
)


@dataclass(frozen=True)
class Choice:
    """What auto chose on one layer; ``gain``: its speed over published indirect."""

    layer: str
    shape: Layer | None
    row: Row
    gain: FaceRow | None

    @property
    def chosen(self) -> str:
        """Algorithm and schedule: ``indirect_avx512_6x64+regions``; empty where nothing ran."""
        return f"{self.row.algorithm}_{self.row.schedule}" if self.row.schedule else ""


@dataclass(frozen=True)
class BestBlock:
    """Face best of one cluster in one cache mode."""

    cache: str
    words: str
    choices: dict[str, list[Choice]]  # by category's title
    titles: list[str]  # of the columns of gains that have any mean
    gains: list[MeansLine]
    categories: list[CategoryBlock]  # every variant of face best


def _gain(found: Means, category: str, column: tuple[str, str, str]) -> CategoryRow | None:
    return found.get((category, *column[1:]))


def best_blocks(
    run: RunData,
    sentence: Sentence,
    rows: Sequence[Row],
    means: Sequence[CategoryRow],
    faces: Sequence[FaceRow],
) -> list[BestBlock]:
    """One block per cache mode, that of the opening sentence first, without one what it would be; none without rows.

    ``rows`` and ``means`` are those of one cluster and face best, ``faces`` those of the cluster.
    """
    gains = {id(face.best): face for face in faces if face.published.algorithm == "indirect"}
    blocks: list[BestBlock] = []
    caches = {row.key.cache for row in rows}
    first = sentence.cache or preferred_cache(caches)
    for cache in sorted(caches, key=lambda c: (c != first, c)):
        table = [row for row in rows if row.key.cache == cache]
        alike = [row for row in means if row.cache == cache]
        found = {(row.category, row.algorithm, row.other): row for row in alike}
        choices: dict[str, list[Choice]] = {}
        for category in (*CATEGORIES, ""):
            for row in table:
                if row.role == AUTO and row.category == category:
                    choice = Choice(row.key.layer, run.layers.get(row.key.layer), row, gains.get(id(row)))
                    choices.setdefault(CATEGORY_TITLES[category], []).append(choice)
        columns = [gain for gain in GAINS if any((category, *gain[1:]) in found for category in CATEGORIES)]
        lines = means_lines(columns, partial(_gain, found))
        words = CACHE_WORDS.get(cache, cache)
        titles = [title for title, _, _ in columns]
        blocks.append(BestBlock(cache, words, choices, titles, lines, category_blocks(run, table, alike)))
    return blocks
