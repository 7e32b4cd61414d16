"""Workers of somebody else beside ours, layer by layer and both ways: the rows of workers.csv."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from harness.results.numbers import number_text, ratio_texts
from harness.results.pairs import BESIDE_WORKERS
from harness.results.rows import Row
from harness.stats.estimate import ratio, turned
from harness.stats.interval import Interval

_COLUMNS = (
    "device,cluster,threads,cache,layer,category,algorithm,variant,build,other,other_variant,other_build,"
    "ratio,low,high,visible,emulated"
)
WORKER_COLUMNS = tuple(_COLUMNS.split(","))


@dataclass
class WorkerRow:
    """How many times as fast ``row`` is as ``partner`` on one layer; one of the two is a worker's, the other ours."""

    row: Row
    partner: Row
    ratio: Interval
    number: int = 0  # of the data row in workers.csv, from 1

    @cached_property
    def columns(self) -> Mapping[str, str]:
        """The row as texts of workers.csv."""
        other = self.partner.key
        return {
            **self.row.key.columns,
            "category": self.row.category,
            "algorithm": self.row.role,
            "other": self.partner.role,
            "other_variant": other.variant,
            "other_build": other.build,
            **ratio_texts(self.ratio),
            "emulated": str(int(self.row.emulated)),
            "visible": number_text(self.ratio.visible),
        }


def make_workers(rows: Sequence[Row]) -> list[WorkerRow]:
    """All rows of workers.csv, in the order of results.csv; after each the same the other way round."""
    found: list[WorkerRow] = []
    for row in rows:
        for name in BESIDE_WORKERS if row.is_foreign else ():
            means = row.pairs.get(name, {})
            there, back = ratio(means), ratio(turned(means))
            if there is not None and back is not None:
                found.append(WorkerRow(row, row.partners[name], there, len(found) + 1))
                found.append(WorkerRow(row.partners[name], row, back, len(found) + 1))
    return found
