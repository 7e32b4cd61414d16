"""How far im2col as published, which others are measured against, is from the best im2col measured: baseline.csv."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from harness.judge.comparison import is_weak_baseline
from harness.results.numbers import number_text, ratio_texts
from harness.results.rows import Row
from harness.results.run import RunData
from harness.stats.estimate import LaunchLogs, geometric_mean, launch_logs, mean_of_alike, pair_logs, ratio
from harness.stats.interval import Interval

_COLUMNS = (
    "device,cluster,cache,ratio,low,high,visible,layers,"
    "worst_layer,worst_ratio,worst_ratio_low,worst_ratio_high,worst_ratio_visible,emulated,threads"
)
BASELINE_COLUMNS = tuple(_COLUMNS.split(","))
COPYING = ("larger", "1x1s2")  # where im2col needs its matrix; grouped layers are in no mean


@dataclass
class BaselineRow:
    """The published im2col's speed over the best im2col's, over the distinct layers whose im2col copies."""

    device: str
    cluster: str
    cache: str
    ratio: Interval
    layers: int
    worst_layer: str
    worst: Interval
    emulated: bool = False
    threads: int = 1
    number: int = 0  # of the data row in baseline.csv, from 1

    @property
    def is_weak(self) -> bool:
        """Whether ratios over the published im2col flatter: under 0.85 in the mean, or 0.7 on a layer."""
        return is_weak_baseline(self.ratio.value, self.worst.value)

    @cached_property
    def columns(self) -> Mapping[str, str]:
        """The row as texts of baseline.csv. Under 1: the published im2col is slower than the best one."""
        return {
            "device": self.device,
            "cluster": self.cluster,
            "cache": self.cache,
            **ratio_texts(self.ratio),
            "layers": str(self.layers),
            "worst_layer": self.worst_layer,
            **ratio_texts(self.worst, "worst_ratio", "worst_ratio_low", "worst_ratio_high"),
            "emulated": str(int(self.emulated)),
            "visible": number_text(self.ratio.visible),
            "worst_ratio_visible": number_text(self.worst.visible),
            "threads": str(self.threads),
        }


def make_baselines(run: RunData, rows: Sequence[Row]) -> list[BaselineRow]:
    """All rows of baseline.csv: of clusters that measured both faces of im2col, by cache mode and number of threads."""
    places: dict[tuple[str, str, str, int], list[Row]] = defaultdict(list)
    for row in rows:
        is_ours = row.algorithm == row.role == "im2col" and not row.is_copy
        if is_ours and row.status == "ok" and row.category in COPYING and row.time:
            places[row.key.device, row.key.cluster, row.key.cache, row.key.threads].append(row)
    found: list[BaselineRow] = []
    for (device, cluster, cache, threads), measured in places.items():
        layers = dict(_distances(measured))
        worst = min(((name, ratio(means)) for name, means in layers.items()), key=_value, default=None)
        shapes: dict[object, list[LaunchLogs]] = defaultdict(list)
        for name, means in layers.items():
            shapes[run.layers[name].shape_key].append(means)
        mean = geometric_mean([mean_of_alike(alike) for alike in shapes.values()])
        if mean is not None and worst is not None and worst[1] is not None:
            emulated = any(row.emulated for row in measured)
            place = (device, cluster, cache)
            found.append(BaselineRow(*place, mean, len(shapes), worst[0], worst[1], emulated, threads))
    for number, row_ in enumerate(found, start=1):
        row_.number = number
    return found


def _value(layer: tuple[str, Interval | None]) -> float:
    return layer[1].value if layer[1] else float("inf")


def _distances(rows: Sequence[Row]) -> Iterator[tuple[str, LaunchLogs]]:
    """Each layer with its launches' log ratios, of pairs in a round; im2col rows of a cluster and cache mode.

    The best is the one of the least median time, be it the published one itself, under whatever name: then the ratio
    is 1.
    """
    kernels = Counter(row.schedule for row in rows if not row.is_best)
    layers: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        layers[row.key.layer].append(row)
    for name, alike in layers.items():
        published = min(
            (r for r in alike if not r.is_best),
            key=lambda r: (not r.key.what.is_default, -kernels[r.schedule], r.number),
            default=None,
        )
        if published is None:
            continue
        every = [r for r in alike if r.key.build == published.key.build]
        if any(row.is_best for row in every):
            others = [r for r in every if r.ran != published.ran]
            best = min([published, *others], key=lambda r: (r.time.value if r.time else float("inf"), r.number))
            means = launch_logs(pair_logs(published.round_logs, best.round_logs))
            if means:
                yield name, means
