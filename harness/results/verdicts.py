"""The samples of a run judged: verdicts by stream, and the rows of verdicts.csv."""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from harness.judge import sensor
from harness.judge.gate import gave_up
from harness.judge.reason import Reason, names_of
from harness.judge.sample import Evidence
from harness.judge.verdict import Masks, Numbers, Setting, judge
from harness.model.policy import Policy
from harness.results.run import DeviceData, RunData
from harness.results.stream import Stream, read_records
from harness.results.system_state import system_state
from harness.store import records
from harness.store.system_records import Telemetry

_COLUMNS = "device,cluster,threads,cache,build,launch,round,position,layer,variant,verdict,reasons"
VERDICT_COLUMNS = tuple(_COLUMNS.split(","))
_PLACE = VERDICT_COLUMNS[2:10]
_ROUND = ("launch", "layer", "round")
CAP = "/scaling_max_freq"  # ends the name of a telemetry reading
_SOON_NS = 1_000_000_000  # a reading so long after a sample tells of it


def policy_of(run: RunData) -> Policy:
    """The policy that the run was measured under; the default one where the manifest has none that can be read."""
    try:
        return Policy.model_validate_json(json.dumps(run.manifest.get("policy")))
    except ValidationError:
        run.faults.append("manifest.json tells no policy that can be read: samples are judged by the default one")
        return Policy(name="default")


@dataclass(frozen=True)
class ClusterVerdicts:
    """Of the samples of one cluster: by stream, in order. ``seen``: by build, reasons that could be found."""

    device: str
    cluster: str
    streams: Sequence[Stream]
    masks: Sequence[Masks]
    seen: Mapping[str, int]

    @property
    def count(self) -> int:
        """Of samples."""
        return sum(len(masks) for masks in self.masks)

    @property
    def tainted(self) -> int:
        """Of samples."""
        return sum(int(np.count_nonzero(masks)) for masks in self.masks)

    @property
    def reasons(self) -> dict[Reason, int]:
        """How many samples each reason concerns, those that it does; most first."""
        counts = {each: sum(int(np.count_nonzero(masks & each)) for masks in self.masks) for each in Reason}
        return dict(sorted(((r, n) for r, n in counts.items() if n), key=lambda item: -item[1]))

    def rows(self) -> Iterator[Mapping[str, str]]:
        """Of verdicts.csv: one for each sample, in the order of the records."""
        texts = {0: ("valid", "")}
        for stream, masks in zip(self.streams, self.masks, strict=True):
            for mask, place in zip(masks.tolist(), stream.samples.zip(*_PLACE), strict=True):
                if mask not in texts:
                    texts[mask] = ("tainted", names_of(mask))
                values = (self.device, self.cluster, *map(str, place), *texts[mask])
                yield dict(zip(VERDICT_COLUMNS, values, strict=True))


@dataclass(frozen=True)
class Verdicts:
    """Of all samples of a run, under a policy."""

    policy: Policy
    clusters: Mapping[tuple[str, str], ClusterVerdicts] = field(default_factory=dict)  # by device, cluster

    def of(self, device: str, cluster: str) -> ClusterVerdicts:
        """Of one cluster; without samples where none was measured."""
        return self.clusters.get((device, cluster), ClusterVerdicts(device, cluster, (), (), {}))

    @property
    def count(self) -> int:
        """Of samples."""
        return sum(each.count for each in self.clusters.values())

    @property
    def tainted(self) -> int:
        """Of samples."""
        return sum(each.tainted for each in self.clusters.values())

    @property
    def reasons(self) -> dict[Reason, int]:
        """How many samples each reason concerns; most first."""
        counts: Counter[Reason] = Counter()
        for each in self.clusters.values():
            counts.update(each.reasons)
        return dict(counts.most_common())

    def rows(self) -> Iterator[Mapping[str, str]]:
        """Of verdicts.csv."""
        for each in self.clusters.values():
            yield from each.rows()


def judge_run(run: RunData, policy: Policy) -> Verdicts:
    """Every cluster by itself: what a sample is held against is what this device did on these CPUs."""
    places = [(device, cluster) for device in run.devices for cluster in run.clusters_of(device)]
    judged = [judge_cluster(device, cluster, policy) for device, cluster in places]
    return Verdicts(policy, {(each.device, each.cluster): each for each in judged})


@dataclass(frozen=True)
class TaintedRounds:
    """Of a layer in a launch: the rounds that hold a sample that may be valid another time, among all on record."""

    tainted: frozenset[int]
    every: frozenset[int]


def tainted_rounds(path: Path, cluster: str, policy: Policy, *, emulated: bool) -> dict[tuple[int, str], TaintedRounds]:
    """Of a cluster's records, by launch and layer: those that have any."""
    streams, _ = read_records(path)
    judged = judge_cluster(DeviceData("", "", {"emulated": emulated}, [], [], streams, [], []), cluster, policy)
    tainted: dict[tuple[int, str], set[int]] = defaultdict(set)
    every: dict[tuple[int, str], set[int]] = defaultdict(set)
    for stream, masks in zip(judged.streams, judged.masks, strict=True):
        for mask, launch, layer, number in zip(masks.tolist(), *map(stream.samples.column, _ROUND), strict=True):
            every[launch, layer].add(number)
            if mask & ~Reason.SHORT:  # which is of its calls: those stay
                tainted[launch, layer].add(number)
    return {job: TaintedRounds(frozenset(rounds), frozenset(every[job])) for job, rounds in tainted.items()}


def judge_cluster(device: DeviceData, cluster: str, policy: Policy) -> ClusterVerdicts:
    """Every sample of one cluster, held against what the device did on these CPUs."""
    streams = device.streams_of(cluster)
    if not policy.verdicts or not any(len(stream.samples) for stream in streams):
        masks = [np.zeros(len(stream.samples), dtype=np.uint16) for stream in streams]
        return ClusterVerdicts(device.name, cluster, streams, masks, {})
    rows, builds = _Numbers(), _Numbers()
    settings = []
    for number, stream in enumerate(streams):
        later = streams[number + 1] if number + 1 < len(streams) else None
        settings.append(_setting(stream, later, rows, builds, device.emulated))
    found = judge(Evidence.joined([stream.samples.evidence for stream in streams]), Setting.joined(settings), policy)
    ends = np.cumsum([len(stream.samples) for stream in streams])[:-1]
    seen = {str(build): found.seen[number] for build, number in builds.items() if number in found.seen}
    return ClusterVerdicts(device.name, cluster, streams, np.split(found.masks, ends), seen)


class _Numbers(dict[Any, int]):
    """Numbers things in the order in which they come."""

    def __missing__(self, thing: Any) -> int:
        self[thing] = len(self)
        return self[thing]


def _setting(
    stream: Stream, later: Stream | None, rows: dict[Any, int], builds: dict[Any, int], emulated: bool
) -> Setting:
    samples = stream.samples
    count, t_ns = len(samples), np.array(samples.column("t_ns"), dtype=np.int64)
    keys = samples.zip("layer", "variant", "face", "cache", "threads", "build")
    launches = np.array(samples.column("launch"), dtype=np.int64)
    rise, start = _warmth(stream, launches, t_ns)
    system = system_state(stream)
    return Setting(
        np.fromiter((rows[key] for key in keys), np.int64, count),
        np.fromiter((builds[build] for build in samples.column("build")), np.int64, count),
        _cap(stream, t_ns),
        rise,
        start,
        _rebooted(stream, later),
        np.full(count, stream.header.cpu, dtype=np.int64),
        np.array(samples.column("threads"), dtype=np.int64),
        system.asleep,
        system.saving,
        system.thermal_status,
        system.round_khz,
        emulated,
    )


def _cap(stream: Stream, t_ns: NDArray[np.int64]) -> Numbers:
    """The lower one of the cap's readings before and soon after each sample."""
    times, caps = [], []
    for record in stream.of(Telemetry):
        known = [khz for name, khz in record.freq_khz.items() if name.endswith(CAP) and khz]
        if known:
            times.append(record.t_ns)
            caps.append(min(known))
    if not times:
        return np.full(len(t_ns), np.nan)
    at, readings = np.array(times, dtype=np.int64), np.array([np.nan, *caps, np.nan])
    place = np.searchsorted(at, t_ns, side="right")
    soon = np.append(at, np.iinfo(np.int64).max)[place] - t_ns < _SOON_NS
    least: Numbers = np.fmin(readings[place], np.where(soon, readings[place + 1], np.nan))
    return least


def _warmth(stream: Stream, launches: NDArray[np.int64], t_ns: NDArray[np.int64]) -> tuple[Numbers, Numbers]:
    """Degrees above where the device rests: at each sample, and at its launch's start where the gate gave up."""
    gates = {gate.launch: gate for gate in stream.of(records.Gate)}
    rests = {n: _or_nan(gate.plateau if gate.learned is None else gate.learned) for n, gate in gates.items()}
    starts = {n: _or_nan(gate.end) - rests[n] for n, gate in gates.items() if gave_up(gate)}
    source = next((gate.source for gate in gates.values() if gate.source), "")
    readings = [(r.t_ns, c) for r in stream.of(Telemetry) if (c := r.temp_c.get(source)) is not None]
    rest: Numbers = np.array([rests.get(launch, math.nan) for launch in launches.tolist()])
    start: Numbers = np.array([starts.get(launch, math.nan) for launch in launches.tolist()])
    if not readings:
        return np.full(len(t_ns), np.nan), start
    at = np.array([time for time, _ in readings], dtype=np.int64)
    warm = np.array([np.nan, *(celsius for _, celsius in readings)], dtype=np.float64)
    if sensor.is_frozen(celsius for _, celsius in readings):
        warm[:] = np.nan
    rise: Numbers = warm[np.searchsorted(at, t_ns, side="right")] - rest
    return rise, start


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value


def _rebooted(stream: Stream, later: Stream | None) -> NDArray[np.bool_]:
    """The samples of the round that a restart of the device cut off."""
    samples = stream.samples
    rounds = list(samples.zip("launch", "layer", "round"))
    cut = later is not None and stream.end is None and later.header.boot_id != stream.header.boot_id
    if not rounds or not cut or not (later and later.header.boot_id and stream.header.boot_id):
        return np.zeros(len(rounds), dtype=np.bool_)
    return np.array([each == rounds[-1] for each in rounds], dtype=np.bool_)
