"""Face best against face published, layer by layer: the rows of faces.csv."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from harness.results.numbers import number_text, ratio_texts
from harness.results.rows import PUBLISHED_FORM, Row
from harness.stats.interval import Interval

_COLUMNS = "device,cluster,threads,cache,build,layer,category,algorithm,variant,other,ratio,low,high,visible,emulated"
FACE_COLUMNS = tuple(_COLUMNS.split(","))


@dataclass
class FaceRow:
    """How many times as fast a variant of face best is as one of face published, on one layer."""

    best: Row
    published: Row
    ratio: Interval
    number: int = 0  # of the data row in faces.csv, from 1

    @cached_property
    def columns(self) -> Mapping[str, str]:
        """The row as texts of faces.csv; ``other`` is the published variant. A ratio over 1: best is faster."""
        return {
            **self.best.key.columns,
            "category": self.best.category,
            "algorithm": self.best.algorithm,
            "other": self.published.key.variant,
            **ratio_texts(self.ratio),
            "emulated": str(int(self.best.emulated)),
            "visible": number_text(self.ratio.visible),
        }


def make_faces(rows: Sequence[Row]) -> list[FaceRow]:
    """All rows of faces.csv, in the order of results.csv."""
    found: list[FaceRow] = []
    for row in rows:
        for name, partner in row.partners.items():
            ratio = row.ratio(name) if name.startswith(PUBLISHED_FORM) else None
            if ratio is not None:
                found.append(FaceRow(row, partner, ratio, len(found) + 1))
    return found
