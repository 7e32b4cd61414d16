"""Geometric means over the distinct layers of a category: the rows of categories.csv.

Face published: ``algorithm`` against ``other``, as in the paper. Face best: the same among the best forms, each at its
best, where ``algorithm`` is also ``auto`` and ``other`` also ``published/<algorithm>``, the published form. Where two
algorithms are compared both ways, both means come from the same pairs of rows: one is the other's reciprocal. A worker
of somebody else is an ``algorithm`` of its name beside ours and ``auto``, and an ``other``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from harness.model.layer import CATEGORIES
from harness.model.variant import BEST
from harness.results.comparisons import AUTO_PAIRS, FACE_PAIRS, PAIRS, Comparison, comparisons
from harness.results.numbers import number_text, ratio_texts
from harness.results.rows import Row
from harness.results.run import RunData
from harness.stats.estimate import LaunchLogs, geometric_mean, mean_of_alike
from harness.stats.interval import Interval

_COLUMNS = "device,cluster,cache,category,algorithm,other,face,ratio,low,high,visible,layers,emulated,threads"
CATEGORY_COLUMNS = tuple(_COLUMNS.split(","))
_Group = tuple[str, str, str, int, str, str]  # device, cluster, cache, threads, category, face


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
    emulated: bool = False
    threads: int = 1
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
            "emulated": str(int(self.emulated)),
            "visible": number_text(self.ratio.visible),
            "threads": str(self.threads),
        }


def make_categories(run: RunData, rows: Sequence[Row]) -> list[CategoryRow]:
    """All rows of categories.csv, from rows of status ok.

    A layer counts once: where it was measured with several kernels or builds, with the kernel that most layers of the
    cluster ran, then the build that came first; of face best with the fastest row of the build that came first. Layers
    of one shape count as one.
    """
    order: dict[str, int] = {name: n for n, name in enumerate(CATEGORIES)}
    ranks: dict[tuple[str, str, str], int] = {}  # by what the tables show first; threads come after it
    for row in rows:
        if row.status == "ok" and row.category:
            ranks.setdefault((row.key.device, row.key.cluster, row.key.cache), len(ranks))
    groups: dict[_Group, dict[tuple[str, str], dict[str, Comparison]]] = {}
    for found in comparisons(rows):
        key = found.row.key
        where = (key.device, key.cluster, key.cache, key.threads, found.row.category, found.face)
        group = groups.setdefault(where, {})
        known = group.setdefault((found.algorithm, found.other), {})
        if key.layer not in known or found.rank < known[key.layer].rank:
            known[key.layer] = found
    means: list[CategoryRow] = []
    for where in sorted(groups, key=lambda g: (ranks[g[:3]], g[3], g[5] == BEST, order[g[4]], g[5])):
        device, cluster, cache, threads, category, face = where
        ours = (*PAIRS, *AUTO_PAIRS, *FACE_PAIRS)
        for algorithm, other in dict.fromkeys((*ours, *groups[where])):  # those of workers behind ours
            layers = groups[where].get((algorithm, other), {})
            shapes: dict[object, list[LaunchLogs]] = defaultdict(list)
            for layer, chosen in layers.items():
                shapes[run.layers[layer].shape_key].append(chosen.means)
            mean = geometric_mean([mean_of_alike(alike) for alike in shapes.values()])
            if mean is not None:
                emulated = any(chosen.row.emulated for chosen in layers.values())
                place = (device, cluster, cache, category, algorithm, other, face)
                means.append(CategoryRow(*place, mean, len(shapes), emulated, threads))
    for number, row_ in enumerate(means, start=1):
        row_.number = number
    return means
