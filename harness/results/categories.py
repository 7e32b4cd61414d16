"""Geometric means over the distinct layers of a category: the rows of categories.csv.

Face published: ``algorithm`` against ``other``, as in the paper. Face best: the same among the best forms, each at its
best, where ``algorithm`` is also ``auto`` and ``other`` also ``published/<algorithm>``, the published form.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from harness.model.variant import AUTO, BEST
from harness.results.numbers import ratio_texts
from harness.results.rows import PUBLISHED, Row
from harness.results.run import RunData
from harness.model.layer import CATEGORIES
from harness.stats.estimate import LogMeans, geometric_mean, mean_of_alike
from harness.stats.interval import Interval

_COLUMNS = "device,cluster,cache,category,algorithm,other,face,ratio,low,high,layers"
CATEGORY_COLUMNS = tuple(_COLUMNS.split(","))
PAIRS = (
    ("indirect", "im2col"),
    ("indirect", "direct"),
    ("direct", "im2col"),
    ("direct", "indirect"),
    ("im2col", "indirect"),
    ("im2col", "direct"),
)
# Of face best alone: what auto gains, and each algorithm against its published form.
BEST_PAIRS = (
    *((AUTO, other) for other in ("im2col", "direct", "indirect")),
    *((AUTO, PUBLISHED + other) for other in ("indirect", "im2col", "direct")),
    *((name, PUBLISHED + name) for name in ("indirect", "im2col", "direct")),
)


@dataclass
class CategoryRow:
    """How many times as fast an algorithm is as the other one, over the distinct layers of a category."""

    device: str
    cluster: str
    cache: str
    category: str
    algorithm: str
    other: str
    face: str
    ratio: Interval
    layers: int
    number: int = 0  # of the data row in categories.csv, from 1

    @cached_property
    def columns(self) -> Mapping[str, str]:
        """The row as texts of categories.csv."""
        return {
            "device": self.device,
            "cluster": self.cluster,
            "cache": self.cache,
            "category": self.category,
            "algorithm": self.algorithm,
            "other": self.other,
            "face": self.face,
            **ratio_texts(self.ratio),
            "layers": str(self.layers),
        }


def make_categories(run: RunData, rows: Sequence[Row]) -> list[CategoryRow]:
    """All rows of categories.csv, from rows of status ok.

    A layer counts once: where it was measured with several kernels or builds, with the kernel that most layers of the
    cluster ran, then the build that came first; of face best with the schedule of the least median time of the build
    that came first. Layers of one shape count as one.
    """
    groups: dict[tuple[str, str, str, str, str], list[Row]] = defaultdict(list)
    kernels: dict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
    builds = {build: n for n, build in enumerate(dict.fromkeys(row.key.build for row in rows))}
    for row in rows:
        key = row.key
        kernels[key.device, key.cluster, key.face][row.kernel] += 1
        if row.status == "ok" and row.category:
            groups[key.device, key.cluster, key.cache, row.category, key.face].append(row)
    order = {name: n for n, name in enumerate(CATEGORIES)}
    ranks = {place: n for n, place in enumerate(dict.fromkeys(key[:3] for key in groups))}
    found: list[CategoryRow] = []
    for group in sorted(groups, key=lambda g: (ranks[g[:3]], g[4] == BEST, order[g[3]], g[4])):
        device, cluster, cache, category, face = group
        for algorithm, other in PAIRS + BEST_PAIRS if face == BEST else PAIRS:
            chosen: dict[str, tuple[tuple[float, float], Row]] = {}
            for row in groups[group]:
                if row.role != algorithm or not row.pairs.get(other) or row.partners[other].status != "ok":
                    continue
                rank: tuple[float, float] = (-kernels[device, cluster, face][row.kernel], row.number)
                if face == BEST:
                    rank = (builds[row.key.build], row.time.value if row.time else math.inf)
                if row.key.layer not in chosen or rank < chosen[row.key.layer][0]:
                    chosen[row.key.layer] = (rank, row)
            shapes: dict[object, list[LogMeans]] = defaultdict(list)
            for layer, (_, row) in chosen.items():
                shapes[run.layers[layer].shape_key].append(row.pairs[other])
            mean = geometric_mean([mean_of_alike(alike) for alike in shapes.values()])
            if mean is not None:
                found.append(
                    CategoryRow(device, cluster, cache, category, algorithm, other, face, mean, layers=len(shapes))
                )
    for number, row_ in enumerate(found, start=1):
        row_.number = number
    return found
