"""From records to the rows of results.csv."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from harness.results.pairs import compare
from harness.results.peaks import peaks_of, share_of
from harness.results.rows import Row, RowKey, algorithm_order
from harness.results.run import DeviceData, RunData
from harness.stats.estimate import Observation, time_of
from harness.store import records

_KEY = ("layer", "variant", "build", "cache", "threads", "face")
_MEASURED = ("algorithm", "kernel", "launch", "round", "ns", "pid", "copy_ns", "mhz_before", "mhz_after")
_RANK = {"wrong": 4, "error": 3, "skip": 2, "ok": 1, "missing": 0}


def make_rows(run: RunData) -> list[Row]:
    """All rows of results.csv in order: devices, clusters, cache modes, layers as in the suite, algorithms."""
    rows: list[Row] = []
    layers = {name: n for n, name in enumerate(run.shapes)}
    caches = {name: n for n, name in enumerate(run.caches)}
    for device in run.devices:
        for cluster in run.clusters_of(device):
            found = _Cluster(run, device, cluster).rows()
            found.sort(
                key=lambda row: (
                    caches.get(row.key.cache, len(caches)),
                    row.key.cache,
                    layers.get(row.key.layer, len(layers)),
                    row.key.layer,
                    row.is_best,
                    row.role == records.AUTO,
                    algorithm_order(row.algorithm),
                    row.key.variant,
                    row.key.build,
                    row.key.threads,
                    row.key.face,
                )
            )
            rows += found
    for number, row in enumerate(rows, start=1):
        row.number = number
    return rows


class _Cluster:
    """Gathers the rows of one cluster of one device."""

    def __init__(self, run: RunData, device: DeviceData, cluster: str) -> None:
        self._run = run
        self._device = device
        self._cluster = cluster
        self._streams = device.streams_of(cluster)
        self._rows: dict[RowKey, Row] = {}
        self._alike: dict[RowKey, list[RowKey]] = defaultdict(list)  # by the key with one thread
        seen = dict.fromkeys(cache for stream in self._streams for cache in stream.samples.column("cache"))
        self._caches = run.caches or [str(cache) for cache in seen] or [""]
        self._build = self._streams[-1].header.build if self._streams else ""

    def rows(self) -> list[Row]:
        """Every row, complete."""
        self._take_samples()
        self._take_failures()
        self._take_missing()
        self._take_layers()
        rows = list(self._rows.values())
        for row in rows:
            if row.status == "wrong":  # a wrong result has no time
                row.observations, row.peak_share, row.copy_ns = [], None, None
            times: dict[int, list[float]] = defaultdict(list)
            for observation in row.observations:
                times[observation.launch].append(observation.value)
            row.time = time_of(times)
        compare(rows)
        return rows

    def _row(self, key: RowKey, algorithm: str, kernel: str, status: str, reason: str = "") -> Row:
        """The row of that key; a worse status than it has replaces its own."""
        row = self._rows.get(key)
        if row is None:
            self._alike[replace(key, threads=1)].append(key)
            shape = self._run.shapes.get(key.layer)
            row = self._rows[key] = Row(
                key,
                algorithm,
                kernel or records.what_ran(key.variant)[1],
                status,
                category=shape.category if shape else "",
                emulated=self._device.emulated,
                reason=reason,
                flop=shape.flop if shape else 0,
            )
        elif _RANK[status] > _RANK[row.status]:
            row.status, row.reason = status, reason
        return row

    def _take_samples(self) -> None:
        shares: dict[RowKey, list[float]] = defaultdict(list)
        copies: dict[RowKey, list[float]] = defaultdict(list)
        for number, stream in enumerate(self._streams):
            samples, peaks = stream.samples, peaks_of(stream)
            known: dict[tuple[Any, ...], tuple[RowKey, Row]] = {}  # a key is made once, not once a sample
            columns = zip(samples.zip(*_KEY), samples.zip(*_MEASURED), strict=True)
            for place, (algorithm, kernel, launch, round_, ns, pid, copy_ns, before, after) in columns:
                if place not in known:
                    key = self._key(*place)
                    known[place] = (key, self._row(key, algorithm, kernel, "ok"))
                key, row = known[place]
                if ns <= 0:
                    continue
                row.observations.append(Observation(launch, round_, (number, pid), ns))
                if copy_ns is not None:
                    copies[key].append(copy_ns)
                if key.cache == "hot" and (peak := peaks.get((launch, key.build, pid))):
                    share = share_of(row.flop, ns, (before, after), peak)
                    if share is not None:
                        shares[key].append(share)
        for key, row in self._rows.items():
            row.copy_ns = statistics.median(copies[key]) if key in copies else None
            row.peak_share = statistics.median(shares[key]) if key in shares else None

    def _take_failures(self) -> None:
        kernels = self._kernels()
        for stream in self._streams:
            default = stream.header.build
            for skip in stream.of(records.Skip):
                for key in self._keys(skip.layer, skip.variant, skip.build or default, skip.cache, skip.face):
                    named = self._with_kernel(key, kernels.get(key.build, set()))
                    size = f" ({skip.bytes} bytes)" if skip.bytes else ""
                    self._row(named, skip.algorithm, "", "skip", skip.reason + size)
            for error in (error for error in stream.of(records.Error) if not error.external):
                for key in self._keys(error.layer, error.variant, error.build or default, error.cache, error.face):
                    self._row(key, error.algorithm, "", "error", _words(error))
            for check in stream.of(records.Check):
                if check.ok:
                    continue
                over = "" if check.error_over_bound is None else f", error {check.error_over_bound:.3g} x the bound"
                for key in self._keys(check.layer, check.variant, check.build or default, "", check.face):
                    reason = f"launch {check.launch + 1}: wrong by {check.by}{over}"
                    self._row(key, records.what_ran(check.variant)[0], "", "wrong", reason)

    def _kernels(self) -> dict[str, set[str]]:
        """The kernels that published variants were measured with, by build."""
        found: dict[str, set[str]] = defaultdict(set)
        for key, row in self._rows.items():
            if key.face != records.BEST and row.kernel:
                found[key.build].add(row.kernel)
        return found

    def _with_kernel(self, key: RowKey, kernels: set[str]) -> RowKey:
        """A skip names no kernel: the row gets that of the others, where they agree and it has no samples already."""
        if key.face == records.BEST or "/" in key.variant or len(kernels) != 1:
            return key
        named = replace(key, variant=f"{key.variant}/{next(iter(kernels))}")
        return key if named in self._rows and self._rows[named].observations else named

    def _take_missing(self) -> None:
        covered = {(row.key.layer, row.key.cache, name) for row in self._rows.values() for name in _names(row)}
        hindered = self._hindered()
        for job in self._run.jobs_of(self._device):
            if job.get("cluster") != self._cluster:
                continue
            layer, variants = str(job.get("layer", "")), job.get("variants")
            for variant in variants if isinstance(variants, list) else []:
                name = str(variant).removesuffix("/auto")
                for cache in self._caches:
                    if (layer, cache, name) not in covered:
                        is_best = name == records.AUTO or name.endswith(f"/{records.BEST}")
                        face = records.BEST if is_best else "published"
                        key = self._key(layer, name, self._build, cache, face=face)
                        why = hindered.get((layer, name, cache), hindered.get((layer, name, ""), ""))
                        reason = f"planned, without a sample{f'; {why}' if why else ''}"
                        self._row(key, name.partition("/")[0], "", "missing", reason)

    def _hindered(self) -> dict[tuple[str, str, str], str]:
        """What last kept variants from being measured, by no fault of their own: by layer, asked for, cache."""
        return {
            (error.layer, records.asked_for(error.variant, error.algorithm, error.face), error.cache): _words(error)
            for stream in self._streams
            for error in stream.of(records.Error)
            if error.external
        }

    def _take_layers(self) -> None:
        """Bytes and set-up times: of a variant's newest record, and medians over its launches."""
        found: dict[tuple[str, str, str], list[records.Layer]] = defaultdict(list)
        for stream in self._streams:
            for layer in stream.of(records.Layer):
                found[layer.layer, layer.variant, layer.build].append(layer)
        for row in self._rows.values():
            layers = found.get((row.key.layer, row.key.variant, row.key.build))
            if not layers:
                continue
            last = layers[-1]
            row.order = last.order
            row.matrix_bytes, row.pointer_bytes = last.matrix_bytes, last.pointer_bytes
            row.extra_bytes = last.matrix_bytes + last.pointer_bytes + last.padding_bytes
            row.create_ns = statistics.median(layer.create_ns for layer in layers)
            row.reshape_ns = statistics.median(layer.reshape_ns for layer in layers)

    def _key(
        self, layer: str, variant: str, build: str, cache: str, threads: int = 1, face: str = "published"
    ) -> RowKey:
        return RowKey(self._device.name, self._cluster, threads, cache, build, layer, variant, face)

    def _keys(self, layer: str, variant: str, build: str, cache: str, face: str) -> Iterator[RowKey]:
        """The rows that a failure is about: those that have samples, else one per cache mode."""
        for mode in [cache] if cache else self._caches:
            key = self._key(layer, variant, build, mode, face=face)
            alike = self._alike.get(key)
            yield from list(alike) if alike else [key]


def _words(error: records.Error) -> str:
    signal = f" (signal {error.signal})" if error.signal else ""
    return f"launch {error.launch + 1}: {error.reason}{signal}"


def _names(row: Row) -> tuple[str, str]:
    return (records.asked_for(row.key.variant, row.algorithm, row.key.face), row.key.variant)
