"""Series of a sustained run: throughput and clock over time, first minute against last.

Rows of sustained.csv and windows.csv.

They are in no table of burst results, and nothing of those is in them.
"""

from __future__ import annotations

import statistics
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from harness.judge.energy import Energy, Reading, energy_of
from harness.model.sustained import SUSTAINED, Sustained
from harness.model.variant import Variant
from harness.results.numbers import number_text
from harness.results.rows import RowKey, algorithm_order
from harness.results.run import DeviceData, RunData
from harness.results.samples import Samples
from harness.results.stream import Stream
from harness.results.verdicts import CAP
from harness.store import records
from harness.store.system_records import Telemetry

_PLACE = "device,cluster,threads,cache,build,layer,variant,launch"
_SERIES = (
    "category,algorithm,face,status,seconds,duty,samples,first_gflops,last_gflops,kept,least_gflops,first_mhz,last_mhz,"
    "first_c,last_c,joules,watts,energy_source,energy_reason,emulated"
)
_WINDOW = "from_s,to_s,samples,gflops,mhz,cap_mhz,celsius"
SERIES_COLUMNS = tuple(f"{_PLACE},{_SERIES}".split(","))
WINDOW_COLUMNS = tuple(f"{_PLACE},{_WINDOW}".split(","))
_WHOLE = 0.9  # of its length: what is shorter was cut
_NS = 1e-9
_SOURCE_HZ = 1e-3  # kHz to MHz


@dataclass
class Window:
    """A stretch of a series, in seconds from its begin. Medians; None where unknown."""

    place: Mapping[str, str]  # of its series, as texts
    from_s: float
    to_s: float
    samples: int
    gflops: float | None  # of the time that was computed, not of pauses
    mhz: float | None
    cap_mhz: float | None  # the least that the system set
    celsius: float | None
    number: int = 0  # of the data row in windows.csv, from 1

    @cached_property
    def columns(self) -> Mapping[str, str]:
        """The row as texts of windows.csv."""
        values = {name: number_text(getattr(self, name)) for name in _WINDOW.split(",")}
        return {**self.place, **values}


@dataclass
class Series:
    """One variant of one layer under load in one launch."""

    key: RowKey
    launch: int
    category: str
    emulated: bool
    seconds: float
    duty: float  # as measured: the share of the time in samples' timed and untimed calls
    samples: int
    is_whole: bool
    first: Window  # the first and the last minute; of short series a third
    last: Window
    energy: Energy
    windows: list[Window] = field(default_factory=list)
    number: int = 0  # of the data row in sustained.csv, from 1

    @property
    def kept(self) -> float | None:
        """The share of the first minute's throughput that the last one has."""
        first, last = self.first.gflops, self.last.gflops
        return last / first if first and last else None

    @property
    def rank(self) -> tuple[bool, float]:
        """Of several attempts at it the highest one counts."""
        return (self.is_whole, self.seconds)

    @property
    def least_gflops(self) -> float | None:
        """Of the slowest window."""
        return min((each.gflops for each in self.windows if each.gflops), default=None)

    @property
    def place(self) -> Mapping[str, str]:
        """Where and how it was measured, as texts."""
        return _place(self.key, self.launch)

    @cached_property
    def columns(self) -> Mapping[str, str]:
        """The row as texts of sustained.csv."""
        numbers = {
            **{"seconds": self.seconds, "duty": self.duty, "samples": self.samples, "kept": self.kept},
            **{"first_gflops": self.first.gflops, "last_gflops": self.last.gflops, "least_gflops": self.least_gflops},
            **{"first_mhz": self.first.mhz, "last_mhz": self.last.mhz},
            **{"first_c": self.first.celsius, "last_c": self.last.celsius},
            **{"joules": self.energy.joules, "watts": self.energy.watts},
        }
        texts = {
            **{"category": self.category, "algorithm": self.key.what.algorithm, "face": self.key.face},
            **{"status": "ok" if self.is_whole else "cut", "emulated": str(int(self.emulated))},
            **{"energy_source": self.energy.source, "energy_reason": self.energy.reason},
        }
        values = {**self.place, **texts, **{name: number_text(value) for name, value in numbers.items()}}
        return {column: values[column] for column in SERIES_COLUMNS}


def _place(key: RowKey, launch: int) -> Mapping[str, str]:
    return {**key.columns, "launch": str(launch)}


def make_all_series(run: RunData, sustained: Sustained) -> list[Series]:
    """Every series of a sustained run, by devices, clusters, layers and algorithms; none of a burst run."""
    if run.mode != SUSTAINED:
        return []
    layers = {name: number for number, name in enumerate(run.layers)}
    found: list[Series] = []
    for device in run.devices:
        for cluster in run.clusters_of(device):
            of_cluster = list(_of_cluster(run, device, cluster, sustained))
            of_cluster.sort(
                key=lambda s: (
                    layers.get(s.key.layer, len(layers)),
                    algorithm_order(s.key.what.algorithm),
                    s.key.variant,
                    s.launch,
                )
            )
            found += of_cluster
    windows = (window for series in found for window in series.windows)
    for number, series in enumerate(found, start=1):
        series.number = number
    for number, window in enumerate(windows, start=1):
        window.number = number
    return found


def _of_cluster(run: RunData, device: DeviceData, cluster: str, sustained: Sustained) -> Iterator[Series]:
    """Of each launch the latest attempt counts that came to its end; else the longest."""
    best: dict[int, Series] = {}
    for stream in device.streams_of(cluster):
        for launch, parts in _by_launch(stream).items():
            found = _Reader(run, device, cluster, stream, launch, sustained, parts).series()
            known = best.get(launch)
            if found is not None and (known is None or found.rank >= known.rank):
                best[launch] = found
    yield from best.values()


@dataclass
class _Parts:
    """What a stream holds of one launch. ``row``: of its first sample in the stream's columns."""

    row: int
    samples: list[tuple[Any, ...]] = field(default_factory=list)
    telemetry: list[Telemetry] = field(default_factory=list)
    sensor: str = ""
    is_done: bool = False  # its job is on record


def _by_launch(stream: Stream) -> dict[int, _Parts]:
    """The launches that have samples, each record looked at once."""
    parts: dict[int, _Parts] = {}
    names = ("launch", "t_ns", "ns", "calls", "span_ns", "window_ns", "mhz_before", "mhz_after")
    for row, each in enumerate(stream.samples.zip(*names)):
        parts.setdefault(each[0], _Parts(row)).samples.append(each)
    for reading in stream.of(Telemetry):
        if reading.launch in parts:
            parts[reading.launch].telemetry.append(reading)
    for gate in stream.of(records.Gate):
        if gate.launch in parts and not parts[gate.launch].sensor:
            parts[gate.launch].sensor = gate.source or ""
    for job in stream.of(records.Job):
        if job.launch in parts:
            parts[job.launch].is_done = True
    return parts


class _Reader:
    """Makes the series of one launch of one stream."""

    def __init__(
        self,
        run: RunData,
        device: DeviceData,
        cluster: str,
        stream: Stream,
        launch: int,
        sustained: Sustained,
        parts: _Parts,
    ) -> None:
        self._run = run
        self._device = device
        self._cluster = cluster
        self._stream = stream
        self._launch = launch
        self._sustained = sustained
        self._parts = parts
        self._samples = sorted(parts.samples, key=lambda each: each[1])
        self._times = [each[1] for each in self._samples]
        self._begin_ns = self._times[0]
        self._readings = sorted(parts.telemetry, key=lambda each: each.t_ns)
        self._read_at = [each.t_ns for each in self._readings]

    def series(self) -> Series | None:
        """The series; None without two samples."""
        if len(self._samples) < 2:
            return None
        layer, what = _what(self._stream.samples, self._parts.row)
        known = self._run.layers.get(layer)
        self._flop = known.flop if known else 0
        end_ns = max(each[1] + self._length(each) for each in self._samples)
        seconds = (end_ns - self._begin_ns) * _NS
        busy_ns = sum(self._length(each) for each in self._samples)
        edge_s = min(self._sustained.edge_s, seconds / 3)
        key = RowKey(self._device.name, self._cluster, layer, what)
        place = _place(key, self._launch)
        return Series(
            key,
            self._launch,
            known.category if known else "",
            self._device.emulated,
            seconds,
            busy_ns * _NS / seconds if seconds else 0.0,
            len(self._samples),
            self._parts.is_done and seconds >= _WHOLE * self._sustained.seconds,
            self._window(place, 0.0, edge_s),
            self._window(place, seconds - edge_s, seconds),
            energy_of(self._power()),
            list(self._windows(place, seconds)),
        )

    def _windows(self, place: Mapping[str, str], seconds: float) -> Iterator[Window]:
        """Those that hold samples. What is left behind the last whole one belongs to it: so few tell little."""
        count = max(1, int(seconds // self._sustained.window_s))
        for number in range(count):
            begin, end = number * self._sustained.window_s, (number + 1) * self._sustained.window_s
            window = self._window(place, begin, end if number + 1 < count else seconds)
            if window.samples:
                yield window

    @staticmethod
    def _length(sample: tuple[float, ...]) -> float:
        """Nanoseconds from the window's untimed call to its end."""
        return sample[4] or sample[5] or sample[2] * sample[3]

    def _window(self, place: Mapping[str, str], from_s: float, to_s: float) -> Window:
        begin, end = self._begin_ns + from_s / _NS, self._begin_ns + to_s / _NS
        inside = self._samples[bisect_left(self._times, begin) : bisect_left(self._times, end)]
        calls = sum(each[3] for each in inside)
        took = sum(each[2] * each[3] for each in inside)
        # The probe of an emulated device sees its host's clock.
        clocks = [mhz for each in inside for mhz in each[6:8] if mhz and not self._device.emulated]
        readings = self._readings[bisect_left(self._read_at, begin) : bisect_left(self._read_at, end)]
        if not clocks:  # the probe cannot be believed: what the system says
            clocks = [khz * _SOURCE_HZ for each in readings for khz in _of(each, "/scaling_cur_freq")]
        caps = [khz * _SOURCE_HZ for each in readings for khz in _of(each, CAP)]
        warm = [c for each in readings if (c := each.temp_c.get(self._parts.sensor)) is not None]
        return Window(
            place,
            from_s,
            to_s,
            len(inside),
            self._flop * calls / took if took and self._flop else None,
            statistics.median(clocks) if clocks else None,
            min(caps, default=None),
            statistics.median(warm) if warm else None,
        )

    def _power(self) -> list[Reading]:
        return [
            Reading((each.t_ns - self._begin_ns) * _NS, each.power)
            for each in self._parts.telemetry
            if each.power and each.t_ns >= self._begin_ns
        ]


def _of(record: Telemetry, ending: str) -> list[float]:
    return [khz for name, khz in record.freq_khz.items() if khz and name.endswith(ending)]


def _what(samples: Samples, place: int) -> tuple[str, Variant]:
    """The layer and the variant of the sample at that place."""
    names = ("layer", "asked", "algorithm", "method", "kernel", "schedule", "face", "element", "layout", "threads")
    layer, asked, algorithm, method, kernel, schedule, face, element, layout, threads = (
        samples.column(name)[place] for name in names
    )
    return str(layer), Variant(
        name=str(samples.column("variant")[place]),
        asked=str(asked),
        algorithm=str(algorithm),
        method=str(method),
        kernel=str(kernel),
        schedule=str(schedule),
        face=face,
        type=str(element),
        layout=str(layout),
        threads=int(threads),
        build=str(samples.column("build")[place]),
        cache=samples.column("cache")[place],
    )


def windows_of(every: Sequence[Series]) -> list[Window]:
    """The rows of windows.csv."""
    return [window for series in every for window in series.windows]
