"""Which ratios have to be known well before measuring a layer may end, and how well they are known."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.model.layer import Layer
from harness.model.policy import Policy
from harness.model.variant import AUTO, BEST
from harness.results.gather import cluster_rows
from harness.results.pairs import BESIDE_WORKERS
from harness.results.rows import Row
from harness.results.run import DeviceData, RunData
from harness.results.stream import read_records
from harness.results.verdicts import judge_cluster
from harness.stats.estimate import LogMeans
from harness.store import records


@dataclass(frozen=True)
class Wanted:
    """A ratio that matters: of ``row`` over its partner of that name; ``means`` are empty where too few pairs count."""

    row: Row
    other: str
    means: LogMeans

    @property
    def in_order(self) -> list[float]:
        """The launches' mean logs in the order of the launches."""
        return [self.means[launch] for launch in sorted(self.means)]


def wanted_ratios(rows: Iterable[Row]) -> Iterator[Wanted]:
    """Of each layer, cache mode, number of threads and build the one that the run is about.

    Indirect against im2col as published; where that was not measured each at its best; else the first comparison that
    there is, that of a variant with itself the last. Beside it each worker of somebody else against ``auto``, or the
    first of ours. Rows that failed, and what they were compared with, are in none; what is unjudged counts as known
    badly.
    """
    places: dict[tuple[object, ...], list[Row]] = defaultdict(list)
    for row in rows:
        if row.is_foreign:
            other = next((name for name in BESIDE_WORKERS if name in row.partners), None)
            if other is not None or row.status == "unjudged":
                yield Wanted(row, other or AUTO, row.pairs.get(other or AUTO, {}))
        elif row.status in ("ok", "unjudged"):
            key = row.key
            places[key.device, key.cluster, key.layer, key.cache, key.threads, key.build].append(row)
    for found in places.values():
        yield from _of_place(found)


def _of_place(rows: Sequence[Row]) -> Iterator[Wanted]:
    others = [row for row in rows if not row.key.what.is_copy]
    ours = [row for row in others if row.role == "indirect"]
    for row in sorted(ours, key=lambda row: (row.is_best, not _is_plain(row))):
        if row.status == "unjudged" or "im2col" in row.partners:
            yield Wanted(row, "im2col", row.pairs.get("im2col", {}))
            return
    for row in sorted(rows, key=lambda row: row.key.what.is_copy):
        for other in row.partners:
            yield Wanted(row, other, row.pairs.get(other, {}))
            return


def _is_plain(row: Row) -> bool:
    return row.key.what.is_default or row.key.what.asked == f"{row.algorithm}/{BEST}"


@dataclass(frozen=True)
class Looked:
    """A layer of a cluster: the ratios that matter, and the seconds that its launches took of the policy's budget."""

    ratios: Sequence[Sequence[float]]
    spent_s: float


def look_at(
    file: Path, cluster: str, layers: Sequence[Layer], policy: Policy, *, emulated: bool
) -> Mapping[str, Looked]:
    """What records.jsonl of a device tells of one cluster, by layer; of those that have samples."""
    streams, _ = read_records(file)
    device = DeviceData("", "", {"emulated": emulated}, [], [], streams, [], [])
    run = RunData(file.parent, {}, {}, [device], {layer.name: layer for layer in layers}, [])
    run.manifest["policy"] = json.loads(policy.model_dump_json())
    rows = cluster_rows(run, device, judge_cluster(device, cluster, policy), policy.least_pairs)
    ratios: dict[str, list[list[float]]] = {row.key.layer: [] for row in rows if row.has_samples}
    for wanted in wanted_ratios(rows):
        ratios.setdefault(wanted.row.key.layer, []).append(wanted.in_order)
    spent: dict[str, float] = defaultdict(float)
    for stream in device.streams_of(cluster):
        for job in stream.of(records.Job):
            spent[job.layer] += max(0.0, job.elapsed_s - job.lost_s)
    return {layer: Looked(found, spent[layer]) for layer, found in ratios.items()}
