"""From records to the rows of results.csv."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from itertools import product, repeat
from typing import Any

from harness.judge.reason import Reason
from harness.judge.rounds import too_few
from harness.model.other_build import CHECKOUT
from harness.model.variant import Asked, Variant, copied, is_foreign, parse_asked
from harness.results.others import beside, names_of
from harness.results.pairs import compare
from harness.results.peaks import peaks_of, share_of
from harness.results.rows import MeasuredError, Row, RowKey, algorithm_order
from harness.results.run import DeviceData, RunData
from harness.results.verdicts import ClusterVerdicts, Verdicts
from harness.stats.estimate import Observation, time_of
from harness.stats.interval import Interval
from harness.store import records

_VARIANT = {field.name: field.name for field in fields(Variant)} | {"name": "variant", "type": "element"}
_KEY = ("layer", *_VARIANT.values())
_MEASURED = ("launch", "round", "ns", "pid", "mhz_before", "mhz_after")
_MEDIANS = ("copy_ns", "to_nchw_ns", "to_nhwc_ns")  # of valid samples, where they have them
_Wanted = tuple[str, str, str, int, str]  # layer, cache mode, asked for, threads, program
_RANK = {"wrong": 4, "error": 3, "skip": 2, "ok": 1, "missing": 0}


def make_rows(run: RunData, verdicts: Verdicts) -> list[Row]:
    """All rows of results.csv in order: devices, clusters, cache modes, layers as in the suite, algorithms."""
    rows: list[Row] = []
    layers = {name: n for n, name in enumerate(run.layers)}
    caches = {name: n for n, name in enumerate(run.caches)}
    builds = {build: n for n, build in enumerate(names_of(run.against))}
    for device in run.devices:
        for cluster in run.clusters_of(device):
            found = cluster_rows(run, device, verdicts.of(device.name, cluster), verdicts.policy.least_pairs)
            found.sort(
                key=lambda row: (
                    caches.get(row.key.cache, len(caches)),
                    row.key.cache,
                    layers.get(row.key.layer, len(layers)),
                    row.key.layer,
                    row.is_best,
                    row.key.what.is_auto,
                    algorithm_order(row.algorithm),
                    row.key.variant,
                    builds.get(row.key.build, -1),
                    row.key.build,
                    row.key.threads,
                    row.key.face,
                )
            )
            rows += found
    for number, row in enumerate(rows, start=1):
        row.number = number
    return rows


def cluster_rows(run: RunData, device: DeviceData, verdicts: ClusterVerdicts, least_pairs: int) -> list[Row]:
    """The rows of one cluster, complete, in no order and without numbers."""
    return _Cluster(run, device, verdicts, least_pairs).rows()


def with_every_sample(rows: Sequence[Row]) -> list[Row]:
    """The same rows as they would be if every sample counted; their pairs alone, and what those need."""
    found = []
    for row in rows:
        status = "ok" if row.status == "unjudged" else row.status
        valid = [*row.observations, *(each for each, _ in row.tainted)]
        every = replace(row, status=status, observations=valid, tainted=[], pairs={}, partners={}, pairs_left_out={})
        every.time = _time_of(every) if row.tainted else row.time
        found.append(every)
    compare(found)
    return found


def _time_of(row: Row) -> Interval | None:
    times: dict[int, list[float]] = defaultdict(list)
    for observation in row.observations:
        times[observation.launch].append(observation.value)
    return time_of(times)


class _Cluster:
    """Gathers the rows of one cluster of one device."""

    def __init__(self, run: RunData, device: DeviceData, verdicts: ClusterVerdicts, least_pairs: int) -> None:
        self._run = run
        self._device = device
        self._cluster = verdicts.cluster
        self._verdicts = verdicts
        self._least_pairs = least_pairs
        self._streams = device.streams_of(verdicts.cluster)
        self._rows: dict[RowKey, Row] = {}
        self._covered: set[_Wanted] = set()  # by a row of another name
        seen = dict.fromkeys(cache for stream in self._streams for cache in stream.samples.column("cache"))
        self._caches = run.caches or [str(cache) for cache in seen] or [""]
        self._build = self._streams[-1].header.build if self._streams else ""
        self._names = names_of(run.against)
        self._others = beside(run.manifest, run.against, self._build)

    def rows(self) -> list[Row]:
        """Every row, complete."""
        self._take_samples()
        self._take_failures()
        self._take_missing()
        self._take_layers()
        self._take_errors()
        rows = list(self._rows.values())
        for row in rows:
            if row.status == "wrong":  # a wrong result has no time
                row.observations, row.tainted, row.peak_share = [], [], None
                row.copy_ns = row.to_nchw_ns = row.to_nhwc_ns = None
            row.time = _time_of(row)
            total = len(row.observations) + len(row.tainted)
            if row.status == "ok" and row.tainted and too_few(len(row.observations), total, self._least_pairs):
                self._leave_unjudged(row, f"{len(row.observations)} of {total} samples are valid")
        compare(rows, self._least_pairs)
        for row in rows:
            if row.status == "ok" and row.pairs_left_out and not any(row.pairs.values()):
                valid, total = max(row.pairs_left_out.values())
                self._leave_unjudged(row, f"{valid} of {total} pairs are valid")
        return rows

    def _leave_unjudged(self, row: Row, why: str) -> None:
        counts = Counter(reason for _, mask in row.tainted for reason in Reason if reason & mask)
        names = ", ".join(f"{reason.name} {count}" for reason, count in counts.most_common(3))
        row.status, row.reason = "unjudged", why + (f" ({names})" if names else "")

    def _row(self, key: RowKey, status: str, reason: str = "") -> Row:
        """The row of that key; a worse status than it has replaces its own."""
        row = self._rows.get(key)
        if row is None:
            layer = self._run.layers.get(key.layer)
            row = self._rows[key] = Row(
                key,
                status,
                category=layer.category if layer else "",
                emulated=self._device.emulated,
                conditions=self._device.conditions,
                reason=reason,
                flop=layer.flop if layer else 0,
                other_build=self._names.get(key.build, ""),
                build_name=self._build_name(key),
            )
        elif _RANK[status] > _RANK[row.status]:
            row.status, row.reason = status, reason
        return row

    def _build_name(self, key: RowKey) -> str:
        if not self._names or key.what.is_foreign:
            return ""
        return self._names.get(key.build, CHECKOUT)

    def _take_samples(self) -> None:
        shares: dict[RowKey, list[float]] = defaultdict(list)
        costs: dict[tuple[RowKey, str], list[float]] = defaultdict(list)
        for number, (stream, masks) in enumerate(zip(self._streams, self._verdicts.masks, strict=True)):
            samples, peaks = stream.samples, peaks_of(stream)
            known: dict[tuple[Any, ...], tuple[RowKey, Row]] = {}  # a key is made once, not once a sample
            told = [name for name in _MEDIANS if any(value is not None for value in samples.column(name))]
            medians = samples.zip(*told) if told else repeat(())
            columns = zip(samples.zip(*_KEY), samples.zip(*_MEASURED), medians, masks.tolist(), strict=bool(told))
            for place, (launch, round_, ns, pid, before, after), values, reasons in columns:
                if place not in known:
                    layer, *of_variant = place
                    key = self._key(layer, Variant(**dict(zip(_VARIANT, of_variant, strict=True))))
                    known[place] = (key, self._row(key, "ok"))
                    known[place][1].seen = self._verdicts.seen.get(key.build, 0)
                key, row = known[place]
                if ns <= 0:
                    continue
                observation = Observation(launch, round_, (number, pid), ns)
                if reasons:
                    row.tainted.append((observation, reasons))
                    continue
                row.observations.append(observation)
                for name, value in zip(told, values, strict=True):
                    if value is not None:
                        costs[key, name].append(value)
                if key.cache == "hot" and key.threads == 1 and (peak := peaks.get((launch, key.build, pid))):
                    share = share_of(row.flop, ns, (before, after), peak)
                    if share is not None:
                        shares[key].append(share)
        for key, row in self._rows.items():
            row.copy_ns, row.to_nchw_ns, row.to_nhwc_ns = (
                statistics.median(costs[key, name]) if (key, name) in costs else None for name in _MEDIANS
            )
            row.peak_share = statistics.median(shares[key]) if key in shares else None

    def _take_failures(self) -> None:
        schedules, measured = self._schedules(), set(map(_name, self._rows))
        for stream in self._streams:
            for skip in stream.of(records.Skip):
                size = f" ({skip.bytes} bytes)" if skip.bytes else ""
                for key in self._keys(skip):
                    if _name(key) in measured and key not in self._rows:
                        self._covered.add(_wanted(key))
                        continue  # asked for twice under two names: one row is enough
                    named = self._with_schedule(key, schedules.get(key.build, set()))
                    if not skip.is_refusal:
                        self._row(named, "skip", skip.reason + size)
                    elif not (self._rows.get(named) and self._rows[named].observations):
                        self._row(named, "error", f"no memory was to be had: {skip.reason}{size}")
            for error in (error for error in stream.of(records.Error) if not error.external):
                for key in self._keys(error):
                    self._row(key, "error", _words(error))
            for check in stream.of(records.Check):
                if check.ok:
                    continue
                over = "" if check.error_over_bound is None else f", error {check.error_over_bound:.3g} x the bound"
                for key in self._keys(check):
                    self._row(key, "wrong", f"launch {check.launch + 1}: wrong by {check.by}{over}")

    def _schedules(self) -> dict[str, set[tuple[str, str]]]:
        """Kernel and schedule that the algorithms as published were measured with, by build."""
        found: dict[str, set[tuple[str, str]]] = defaultdict(set)
        for row in self._rows.values():
            if row.kernel and row.key.what.is_default:
                found[row.key.build].add((row.kernel, row.schedule))
        return found

    def _with_schedule(self, key: RowKey, schedules: set[tuple[str, str]]) -> RowKey:
        """A skip names no kernel: the row gets that of the others, where they agree and it has no samples already."""
        if key.what.schedule or not key.what.is_default or len(schedules) != 1:
            return key
        ((kernel, schedule),) = schedules
        name = f"{key.what.name}/{schedule}"
        named = replace(key, what=replace(key.what, name=name, kernel=kernel, schedule=schedule))
        return key if named in self._rows and self._rows[named].has_samples else named

    def _take_missing(self) -> None:
        covered = self._covered | {_wanted(row.key) for row in self._rows.values()}
        # A copy is covered by its own row, and by what kept the variant from being measured.
        copies = {
            _wanted(row.key) for row in self._rows.values() if row.is_copy or row.status in ("skip", "error", "wrong")
        } | self._covered
        hindered = self._hindered()
        given_up = self._device.given_up.get(self._cluster, "")
        out_of_reach = self._device.out_of_reach.get(self._cluster, "")
        cpus = self._device.cpu_count(self._cluster)
        for layer, names in self._run.planned(self._device, self._cluster).items():
            for name, threads, cache in product(names, self._run.threads, self._caches):
                of = copied(name) or name
                asked = parse_asked(of) or Asked(of)
                for build in self._builds_of(name, asked):
                    if (layer, cache, of, threads, build) in (covered if of == name else copies):
                        continue
                    what = Variant(
                        name=name,
                        asked=of,
                        algorithm=asked.algorithm,
                        face=asked.face,
                        threads=threads,
                        build=build,
                        cache=cache,
                    )
                    if 0 < cpus < threads:
                        self._row(self._key(layer, what), "skip", f"{threads} threads, but the cluster has {cpus} CPUs")
                        continue
                    hindrances = (hindered.get((layer, mode, of, threads, build)) for mode in (cache, ""))
                    why = next(filter(None, hindrances), given_up)
                    status = "error" if why else "missing"
                    why = why or out_of_reach
                    self._row(self._key(layer, what), status, f"planned, without a sample{f'; {why}' if why else ''}")

    def _builds_of(self, name: str, asked: Asked) -> Sequence[str]:
        """The programs that a planned variant is measured with, as in harness.plan.jobs: a copy with one alone."""
        if is_foreign(asked.algorithm):
            return [asked.algorithm]
        return (self._others[:1] or [self._build]) if copied(name) else [self._build, *self._others]

    def _hindered(self) -> dict[_Wanted, str]:
        """What last kept variants from being measured, by no fault of theirs."""
        return {
            (error.layer, error.cache, error.asked, error.threads, error.build): _words(error)
            for stream in self._streams
            for error in stream.of(records.Error)
            if error.external
        }

    def _take_errors(self) -> None:
        """The largest error that a check found, of each variant."""
        found: dict[tuple[str, str, str, int], records.Check] = {}
        for stream in self._streams:
            for check in stream.of(records.Check):
                place = (check.layer, check.variant, check.build, check.threads)
                if check.error_over_bound is not None and (
                    place not in found or check.error_over_bound > (found[place].error_over_bound or 0)
                ):
                    found[place] = check
        for row in self._rows.values():
            worst = found.get((row.key.layer, row.key.variant, row.key.build, row.key.threads))
            if worst is not None:
                row.error = MeasuredError(worst.error_over_bound, worst.max_error, worst.bound)

    def _take_layers(self) -> None:
        """Bytes and set-up times: of a variant's newest record, and medians over its launches."""
        found: dict[tuple[str, str, str, int], list[records.Layer]] = defaultdict(list)
        for stream in self._streams:
            for layer in stream.of(records.Layer):
                found[layer.layer, layer.variant, layer.build, layer.threads].append(layer)
        for row in self._rows.values():
            layers = found.get((row.key.layer, row.key.variant, row.key.build, row.key.threads))
            if not layers:
                continue
            last = layers[-1]
            row.order = last.order
            row.matrix_bytes, row.pointer_bytes = last.matrix_bytes, last.pointer_bytes
            row.extra_bytes = last.matrix_bytes + last.pointer_bytes + last.padding_bytes
            row.create_ns = statistics.median(layer.create_ns for layer in layers)
            row.reshape_ns = statistics.median(layer.reshape_ns for layer in layers)

    def _key(self, layer: str, what: Variant) -> RowKey:
        return RowKey(self._device.name, self._cluster, layer, what)

    def _keys(self, record: records.Skip | records.Error | records.Check) -> Iterator[RowKey]:
        """The rows that a failure is about: of its cache mode, else one of each."""
        for mode in [record.cache] if record.cache else self._caches:
            yield self._key(record.layer, replace(record.what, cache=mode))


def _wanted(key: RowKey) -> _Wanted:
    return (key.layer, key.cache, key.what.asked, key.threads, key.build)


def _name(key: RowKey) -> tuple[object, ...]:
    """What results.csv tells rows apart by."""
    what = key.what
    return (key.layer, what.name, what.face, what.type, what.layout, what.threads, what.build, what.cache)


def _words(error: records.Error) -> str:
    signal = f" (signal {error.signal})" if error.signal else ""
    return f"launch {error.launch + 1}: {error.reason}{signal}"
