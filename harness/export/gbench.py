"""Google Benchmark JSON (its src/json_reporter.cc): each sample is a repetition, the median and interval aggregates.

A tainted sample is ``skipped`` with its reasons as ``skip_message``; so are all of a row that could not be judged, and
rows without a time. Google's tools/compare.py and github-action-benchmark don't look at ``skipped``: they take every
``real_time`` of a name. So what does not count has the name of the benchmark with ``/tainted`` (or the row's status)
behind it; its ``run_name`` is the benchmark's. compare.py's U test takes repetitions for independent and drops the
pairs of a round: the note says so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from harness import __version__
from harness.export.subject import Entry, Subject
from harness.export.text import as_json, plain
from harness.judge.reason import names_of
from harness.results.results import Results
from harness.results.run import DeviceData

NOTE = (
    "Samples were taken in shuffled rounds over several launches. A U test over repetitions drops those pairs and "
    "takes samples of one launch for independent. Tainted samples are skipped: their names end with /tainted."
)
_KEY = ("layer", "variant", "face", "element", "layout", "threads", "build", "cache")
_TIMED = ("launch", "round", "calls", "ns", "cpu_ns", "span_ns")
_Key = tuple[Any, ...]


class _Timed(NamedTuple):
    """One sample. ``ns``: per call; ``cpu_ns`` of ``span_ns``: what its thread ran of the time around its window."""

    launch: int
    round: int
    calls: int
    ns: float
    cpu_ns: float | None
    span_ns: float | None
    reasons: int

    @property
    def cpu_time(self) -> float:
        """Nanoseconds of CPU per call; those of the clock where the share is unknown."""
        if self.cpu_ns is None or not self.span_ns:
            return self.ns
        return self.ns * min(1.0, self.cpu_ns / self.span_ns)


def text(subject: Subject) -> Iterator[str]:
    """The file in parts, a benchmark at a time."""
    yield f'{{\n  "context": {as_json(_context(subject))},\n  "benchmarks": ['
    separator = "\n"
    samples: dict[_Key, list[_Timed]] = {}
    place: tuple[str, str] | None = None
    for number, entry in enumerate(subject.entries):
        if place != (entry.device, entry.cluster):
            place = (entry.device, entry.cluster)
            samples = _samples(subject.results, *place) if subject.results else {}
        for item in _items(entry, number, samples.get(_key(entry), ())):
            yield f"{separator}    {as_json(item)}"
            separator = ",\n"
    yield "\n  ]\n}\n"


def _items(entry: Entry, number: int, samples: Sequence[_Timed]) -> Iterator[dict[str, Any]]:
    """The valid samples, then the tainted ones, then what is made of the valid ones."""
    run = {"family_index": number, "per_family_instance_index": 0, "run_name": entry.full_name}
    counts = entry.status == "ok"
    if counts or entry.status == "unjudged":
        ordered = sorted(samples, key=lambda sample: bool(sample.reasons))
        for index, sample in enumerate(ordered):
            suffix, why = ("/tainted", names_of(sample.reasons)) if sample.reasons else ("/unjudged", entry.words)
            is_left_out = bool(sample.reasons) or not counts
            yield {
                "name": f"{entry.full_name}{suffix if is_left_out else ''}",
                **run,
                "run_type": "iteration",
                "repetitions": len(samples),
                "repetition_index": index,
                "threads": entry.threads,
                **({"skipped": True, "skip_message": why} if is_left_out else {}),
                "iterations": sample.calls,
                "real_time": sample.ns,
                "cpu_time": sample.cpu_time,
                "time_unit": "ns",
                "launch": sample.launch,
                "round": sample.round,
            }
    if counts:
        yield from _aggregates(entry, run, samples)
    if counts or (entry.status == "unjudged" and not all(sample.reasons for sample in samples)):
        return
    failed = entry.outcome != "skipped" and entry.status != "unjudged"
    yield {
        "name": f"{entry.full_name}/{entry.status}",
        **run,
        "run_type": "iteration",
        "repetitions": 0,
        "repetition_index": 0,
        "threads": entry.threads,
        **({"error_occurred": True, "error_message": entry.words} if failed else {}),
        **({} if failed else {"skipped": True, "skip_message": entry.words}),
        "iterations": 0,
        "real_time": 0.0,
        "cpu_time": 0.0,
        "time_unit": "ns",
    }


def _aggregates(entry: Entry, run: Mapping[str, Any], samples: Sequence[_Timed]) -> Iterator[dict[str, Any]]:
    time = entry.time
    if time is None:
        return
    values = {"median": time.value, "ci95_low": time.low, "ci95_high": time.high}
    valid = sum(not sample.reasons for sample in samples)
    for name, value in values.items():
        if value is not None:
            yield {
                "name": f"{entry.full_name}_{name}",
                **run,
                "run_type": "aggregate",
                "repetitions": len(samples),
                "threads": entry.threads,
                "aggregate_name": name,
                "aggregate_unit": "time",
                "iterations": valid,
                "real_time": value,
                "cpu_time": value,
                "time_unit": "ns",
                "label": entry.words,
            }


def _key(entry: Entry) -> _Key:
    if entry.row is None:
        return ()
    what = entry.row.key.what
    return (entry.layer, what.name, what.face, what.type, what.layout, what.threads, what.build, what.cache)


def _samples(results: Results, device: str, cluster: str) -> dict[_Key, list[_Timed]]:
    """The samples of one cluster by what tells rows apart, in the order of the records."""
    judged = results.verdicts.of(device, cluster)
    found: dict[_Key, list[_Timed]] = defaultdict(list)
    for stream, masks in zip(judged.streams, judged.masks, strict=True):
        columns = zip(stream.samples.zip(*_KEY), stream.samples.zip(*_TIMED), masks.tolist(), strict=True)
        for key, values, reasons in columns:
            found[key].append(_Timed._make((*values, reasons)))
    return found


def _context(subject: Subject) -> dict[str, Any]:
    """Of one device what is known of it; of several nothing that they would not share."""
    about = subject.about
    one = subject.devices[0] if len(subject.devices) == 1 else None
    return {
        "date": about["started"],
        "host_name": ",".join(device.name for device in subject.devices),
        "executable": "convbench",
        **_machine(one),
        "caches": [],
        "load_avg": [],
        "library_version": f"harness {about['harness'] or __version__}",
        "library_build_type": "release",
        "json_schema_version": 1,
        "note": NOTE,
        **{key: about[key] for key in ("run", "suite", "commit")},
        "devices": {device.name: plain(device.model) for device in subject.devices},
        "conditions": {device.name: device.conditions for device in subject.devices if device.conditions},
    }


def _machine(device: DeviceData | None) -> dict[str, Any]:
    clusters = device.clusters if device else []
    cpus = [cpu for cluster in clusters for cpu in _list(cluster.get("cpus"))]
    clocks = [khz for cluster in clusters if type(khz := cluster.get("max_khz")) is int]
    governors = {cluster.get("governor") for cluster in clusters}
    return {
        "num_cpus": len(cpus),
        "mhz_per_cpu": max(clocks, default=0) // 1000,
        "cpu_scaling_enabled": governors != {"performance"},
    }


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
