"""How fast each of what was measured is, where no two can be compared: from its slowest layer to its fastest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.model.variant import BEST
from harness.report.numbers import rounded
from harness.results.rows import Row, algorithm_order

_MOST = 4  # that an answer tells of


@dataclass(frozen=True)
class Speed:
    """Of one algorithm, ``auto`` or a worker, in one face and cache mode: its rows of least and most GFLOP/s."""

    name: str
    cache: str
    layers: int
    least: Row
    most: Row

    @property
    def parts(self) -> list[tuple[str, Row | None, str]]:
        """Words, each before the row whose ``gflops`` stands there (None at the end), and what follows that."""
        if self.layers == 1:
            return [(f"{self.name} ran {self.most.key.layer} at ", self.most, " GFLOP/s")]
        return [
            (f"{self.name} ran {self.layers} layers at ", self.least, f" ({self.least.key.layer}) to "),
            ("", self.most, f" GFLOP/s ({self.most.key.layer})"),
        ]

    @property
    def text(self) -> str:
        """``indirect ran 12 layers at 3.21 (fire4) to 48.2 GFLOP/s (conv2)``."""
        return "".join(f"{words}{rounded(row.gflops or 0) if row else ''}{after}" for words, row, after in self.parts)


def speeds_of(rows: Sequence[Row], cache: str) -> list[Speed]:
    """Of the rows of one cluster in that cache mode that can be believed: ours in their order, then others' workers."""
    found = [row for row in rows if row.status == "ok" and row.key.cache == cache and row.gflops and not row.is_copy]
    return list(_speeds(found))[:_MOST]


def _speeds(rows: Sequence[Row]) -> Iterator[Speed]:
    found: dict[tuple[int, str, bool], dict[str, Row]] = {}
    for row in rows:
        key = (algorithm_order(row.role), row.role, row.is_best and not row.is_foreign and row.role == row.algorithm)
        layers = found.setdefault(key, {})
        if (row.gflops or 0) > (layers[row.key.layer].gflops or 0 if row.key.layer in layers else 0):
            layers[row.key.layer] = row  # of several schedules the fastest
    for (_, role, is_best), layers in sorted(found.items(), key=lambda item: item[0]):
        ordered = sorted(layers.values(), key=lambda row: row.gflops or 0)
        name = f"{role} at its {BEST}" if is_best else role
        yield Speed(name, ordered[0].key.cache, len(ordered), ordered[0], ordered[-1])
