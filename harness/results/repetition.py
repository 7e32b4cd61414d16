"""Which ratios have to be known well before measuring a layer may end, and how well they are known."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.model.layer import Layer
from harness.model.other_build import OtherBuild
from harness.model.policy import Policy
from harness.model.variant import AUTO, BEST
from harness.results.gather import cluster_rows
from harness.results.pairs import BESIDE_WORKERS, logs_apart
from harness.results.rows import AA, COMPARED, Row
from harness.results.run import DeviceData, RunData
from harness.results.stream import read_records
from harness.results.verdicts import judge_cluster
from harness.stats.estimate import LaunchLogs, launch_logs
from harness.store import records


@dataclass(frozen=True)
class Wanted:
    """A ratio that matters: of ``row`` over its partner of that name; ``means`` are empty where too few pairs count."""

    row: Row
    other: str
    means: LaunchLogs

    @property
    def in_order(self) -> list[float]:
        """The launches' logs in the order of the launches."""
        return [self.means[launch] for launch in sorted(self.means)]


def wanted_ratios(rows: Iterable[Row]) -> Iterator[Wanted]:
    """Of each layer, cache mode, number of threads and build the one that the run is about.

    Indirect against im2col as published; where that was not measured each at its best; else the first comparison that
    there is, that of a variant with itself the last. Beside it each worker of somebody else against ``auto``, or the
    first of ours. Rows that failed, and what they were compared with, are in none; what is unjudged counts as known
    badly, on either side of a ratio: nothing stands in for it. Where other builds were measured too it is each row
    over theirs instead.
    """
    rows = list(rows)
    if any(row.other_build for row in rows):
        yield from _of_builds(rows)
        return
    unjudged = {(*_place(row), row.role) for row in rows if row.status == "unjudged" and not row.is_foreign}
    places: dict[tuple[object, ...], list[Row]] = defaultdict(list)
    for row in rows:
        if row.is_foreign:
            found = (name for name in BESIDE_WORKERS if name in row.partners or (*_place(row), name) in unjudged)
            other = next(found, None)
            if other is not None or row.status == "unjudged":
                yield Wanted(row, other or AUTO, row.pairs.get(other or AUTO, {}))
        elif row.status in ("ok", "unjudged"):
            places[*_place(row), row.key.build].append(row)
    for measured in places.values():
        yield from _of_place(measured)


def _of_builds(rows: Iterable[Row]) -> Iterator[Wanted]:
    ours: dict[tuple[object, ...], list[Row]] = defaultdict(list)
    judged = [row for row in rows if row.status in ("ok", "unjudged") and not (row.is_copy or row.is_foreign)]
    for row in judged:
        if not row.other_build:
            ours[row.key.place].append(row)
    for other in judged:
        for row in ours[other.key.place] if other.other_build else ():
            known = row.status == other.status == "ok"
            yield Wanted(row, other.other_build, launch_logs(logs_apart(row, other)) if known else {})


def _place(row: Row) -> tuple[object, ...]:
    """Where it was measured, whatever the program."""
    return (row.key.device, row.key.cluster, row.key.layer, row.key.cache, row.key.threads)


def _of_place(rows: Sequence[Row]) -> Iterator[Wanted]:
    others = [row for row in rows if not row.key.what.is_copy]
    ours = [row for row in others if row.role == "indirect"]
    for row in sorted(ours, key=lambda row: (row.is_best, not _is_plain(row))):
        if row.status == "unjudged" or "im2col" in row.partners or "im2col" in _unjudged_beside(row, others):
            yield Wanted(row, "im2col", row.pairs.get("im2col", {}))
            return
    for row in sorted(rows, key=lambda row: row.key.what.is_copy):
        for other in (*row.partners, *_unjudged_beside(row, rows)):
            yield Wanted(row, other, row.pairs.get(other, {}))
            return


def _unjudged_beside(row: Row, rows: Iterable[Row]) -> Iterator[str]:
    """What it would be compared with, as ``partners`` names it, if that row or this one were judged."""
    for other in rows:
        if "unjudged" not in (row.status, other.status):
            continue
        if row.is_copy or other.is_copy:
            if row.is_copy and not other.is_copy and row.key.what.asked == other.key.what.asked:
                yield AA
        elif _is_comparable(row, other):
            yield other.role


def _is_comparable(row: Row, other: Row) -> bool:
    is_alike = row.is_best == other.is_best and (row.is_best or row.schedule == other.schedule)
    return is_alike and other.role in ("indirect", *COMPARED) and other.role != row.role


def _is_plain(row: Row) -> bool:
    return row.key.what.is_default or row.key.what.asked == f"{row.algorithm}/{BEST}"


@dataclass(frozen=True)
class Looked:
    """A layer of a cluster: the ratios that matter, and the seconds that its launches took of the policy's budget."""

    ratios: Sequence[Sequence[float]]
    spent_s: float


def look_at(
    file: Path,
    cluster: str,
    layers: Sequence[Layer],
    policy: Policy,
    *,
    emulated: bool,
    others: Iterable[OtherBuild] = (),
) -> Mapping[str, Looked]:
    """What records.jsonl of a device tells of one cluster, by layer; of those that have samples.

    ``others``: other builds that were measured beside it.
    """
    streams, _ = read_records(file)
    device = DeviceData("", "", {"emulated": emulated}, [], [], streams, [], [])
    run = RunData(file.parent, {}, {}, [device], {layer.name: layer for layer in layers}, [])
    run.manifest["policy"] = json.loads(policy.model_dump_json())
    run.manifest["against"] = [other.model_dump(mode="json") for other in others]
    rows = cluster_rows(run, device, judge_cluster(device, cluster, policy), policy.least_pairs)
    ratios: dict[str, list[list[float]]] = {row.key.layer: [] for row in rows if row.has_samples}
    for wanted in wanted_ratios(rows):
        ratios.setdefault(wanted.row.key.layer, []).append(wanted.in_order)
    spent: dict[str, float] = defaultdict(float)
    for stream in device.streams_of(cluster):
        for job in stream.of(records.Job):
            spent[job.layer] += max(0.0, job.elapsed_s - job.lost_s)
    return {layer: Looked(found, spent[layer]) for layer, found in ratios.items()}
