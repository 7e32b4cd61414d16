"""Rows by category and layer, as a table shows them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from harness.model.layer import CATEGORIES, CATEGORY_TITLES, Layer
from harness.results.categories import CategoryRow
from harness.results.rows import Row
from harness.results.run import RunData

T = TypeVar("T")
_HEADINGS = {("indirect", "im2col"), ("indirect", "direct"), ("direct", "im2col")}  # means beside a category's title


@dataclass(frozen=True)
class LayerBlock:
    """The rows of one layer in one table."""

    name: str
    shape: Layer | None
    rows: list[Row]


@dataclass(frozen=True)
class SkippedBlock:
    """Layers of a category that a variant cannot cover, all for one reason: one line of a table."""

    name: str
    reason: str
    layers: list[str]


@dataclass(frozen=True)
class CategoryBlock:
    """The layers of one category in one table, with its means."""

    title: str
    layers: list[LayerBlock]
    means: list[CategoryRow]
    skipped: list[SkippedBlock]


@dataclass(frozen=True)
class MeansLine:
    """One category's means, one or None for each column of a table."""

    title: str
    cells: list[CategoryRow | None]


def means_lines(columns: Sequence[T], mean_of: Callable[[str, T], CategoryRow | None]) -> list[MeansLine]:
    """The categories that have any mean; ``mean_of``: that of a category in a column."""
    return [
        MeansLine(CATEGORY_TITLES[category], cells)
        for category in CATEGORIES
        if any(cells := [mean_of(category, column) for column in columns])
    ]


def category_blocks(run: RunData, rows: Sequence[Row], means: Sequence[CategoryRow]) -> list[CategoryBlock]:
    """The categories that have rows, with their means; rows and means of one cluster, cache mode and face."""
    blocks: list[CategoryBlock] = []
    for category in (*CATEGORIES, ""):
        layers: dict[str, list[Row]] = {}
        skipped: dict[tuple[str, str], dict[str, None]] = {}
        for row in rows:
            if row.category == category and row.status == "skip":
                skipped.setdefault((row.key.variant, row.reason), {})[row.key.layer] = None
            elif row.category == category:
                layers.setdefault(row.key.layer, []).append(row)
        if layers or skipped:
            blocks.append(
                CategoryBlock(
                    CATEGORY_TITLES[category],
                    [LayerBlock(name, run.layers.get(name), found) for name, found in layers.items()],
                    [m for m in means if m.category == category and (m.algorithm, m.other) in _HEADINGS],
                    [SkippedBlock(name, reason, list(found)) for (name, reason), found in skipped.items()],
                )
            )
    return blocks
