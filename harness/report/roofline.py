"""The roofline of a cluster: GFLOP/s of each layer's fastest variant over its FLOP by byte, below the measured roofs.

The roofs are the medians of what probes did: multiply-adds by the cycle, of each worker, at the clock beside the
samples; and bytes read from beyond the caches. Bytes of a layer are those that it cannot do without: input, weights
and output, each once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from harness.model.layer import Layer
from harness.model.variant import ELEMENT_BYTES
from harness.report.charts import COLORS, SHAPES, LogAxis
from harness.report.marks import source
from harness.report.numbers import rounded
from harness.report.sentences import Sentence
from harness.results.numbers import number_text
from harness.results.peaks import peaks_of
from harness.results.results import Results
from harness.results.rows import Row

_WIDTH, _HEIGHT = 420, 220  # pixels of the axes
_INSIDE = 10
_LEAST = 3  # layers


@dataclass(frozen=True)
class Point:
    """A layer."""

    x: float
    y: float
    color: str
    path: str
    label: str  # for readers who do not see the chart
    source: str
    value: str


@dataclass(frozen=True)
class Roofline:
    """The chart. ``roof``: its line as SVG; ``roofs``: words of it."""

    label: str
    words: str
    roof: str
    points: list[Point]
    across: list[tuple[float, str]]  # ticks: FLOP by byte
    up: list[tuple[float, str]]  # ticks: GFLOP/s
    width: int = _WIDTH
    height: int = _HEIGHT


def bytes_of(layer: Layer) -> int:
    """Of input, weights and output, each once."""
    pixels, taps = layer.out_h * layer.out_w, layer.kh * layer.kw
    values = layer.batch * (layer.h * layer.w * layer.cin + pixels * layer.cout)
    return ELEMENT_BYTES[layer.type] * (values + taps * layer.cin // layer.groups * layer.cout)


def make_roofline(results: Results, sentence: Sentence) -> Roofline | None:
    """Of one cluster in ``hot``; None for calls on several threads, without a probe, and with too few layers."""
    if sentence.threads != 1:
        return None
    streams = sentence.device.streams_of(sentence.cluster)
    peaks = [value for stream in streams for value in peaks_of(stream).values()]
    clocks = [value for stream in streams for value in stream.samples.column("mhz_before") if value]
    rates = [value for stream in streams for value in stream.samples.column("gbps_before") if value]
    fastest: dict[str, Row] = {}
    for row in results.rows_of(*sentence.where):
        if row.key.cache == "hot" and row.gflops and row.key.layer in results.run.layers and not row.is_copy:
            known = fastest.get(row.key.layer)
            if known is None or row.gflops > (known.gflops or 0.0):
                fastest[row.key.layer] = row
    if not peaks or not clocks or len(fastest) < _LEAST:
        return None
    peak, rate = median(peaks) * median(clocks) / 1e3, median(rates) if rates else None
    spots = {name: results.run.layers[name].flop / bytes_of(results.run.layers[name]) for name in fastest}
    speeds = [row.gflops or 0.0 for row in fastest.values()]
    ridge = [peak / rate] if rate else []
    across = LogAxis(min(*spots.values(), *ridge), max(*spots.values(), *ridge), _INSIDE, _WIDTH)
    up = LogAxis(min(speeds), max(peak, *speeds), _INSIDE, _HEIGHT)
    points = [_point(row, spots[name], across, up) for name, row in fastest.items()]
    top = _HEIGHT - up.at(peak)
    roof = f"M0,{top:.1f}H{_WIDTH}"
    if rate:
        low = max(across.low, up.low / rate)
        start = f"{across.at(low):.1f},{_HEIGHT - up.at(low * rate):.1f}"
        roof = f"M{start}L{across.at(peak / rate):.1f},{top:.1f}H{_WIDTH}"
    memory = f", {rounded(rate)} GB/s beyond the caches" if rate else "; how fast memory is was not measured"
    words = f"Roofs: {rounded(peak)} GFLOP/s of multiply-adds{memory}."
    return Roofline(
        f"Roofline, CPUs {sentence.cluster}, hot", words, roof, points, _ticks(across), _ticks(up, flip=True)
    )


def _point(row: Row, flop_by_byte: float, across: LogAxis, up: LogAxis) -> Point:
    gflops = row.gflops or 0.0
    label = f"{row.key.layer} {row.key.variant}: {rounded(gflops)} GFLOP/s at {rounded(flop_by_byte)} FLOP by byte"
    x, y = across.at(flop_by_byte), round(_HEIGHT - up.at(gflops), 1)
    color, path = COLORS.get(row.algorithm, COLORS[""]), SHAPES.get(row.algorithm, SHAPES[""])
    return Point(x, y, color, path, label, source(row, "gflops"), number_text(gflops))


def _ticks(axis: LogAxis, *, flip: bool = False) -> list[tuple[float, str]]:
    candidates: Sequence[float] = [n * 10.0**power for power in range(-3, 6) for n in (1, 2, 5)]
    inside = [value for value in candidates if axis.low <= value <= axis.high]
    every = [value for value in inside if f"{value:e}".startswith("1")] if len(inside) > 8 else inside
    return [(_HEIGHT - axis.at(value) if flip else axis.at(value), f"{value:g}") for value in every]
