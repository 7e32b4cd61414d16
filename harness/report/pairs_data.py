"""The pairs behind the cells of the heat tables, in time order, packed for the page's script.

Of each pair: when, the log of its ratio, and what was read around its first sample: clock, temperature, and the probe
that only multiplies and adds. Numbers are whole ones in small units; a large run's pairs are thinned out evenly.
"""

from __future__ import annotations

import base64
import gzip
import json
import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from harness.report.heat import Cell, Heat
from harness.results.results import Results
from harness.results.rows import Row
from harness.results.stream import Stream
from harness.store import records
from harness.store.system_records import Telemetry

MOST_POINTS = 60_000  # of all cells
_NAMES = ("launch", "round", "layer", "variant", "face", "cache", "threads", "build", "t_ns", "ns")
_EVIDENCE = ("mhz_before", "mhz_after", "gflops_before", "gflops_after")
_Key = tuple[Any, ...]  # layer, variant, face, cache, threads, build
_Sample = tuple[int, float, float | None, float | None, float | None, bool]  # decisecond, ns, MHz, GFLOP/s, °C, valid


def packed(value: object) -> str:
    """A value as JSON, compressed, in base 64."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=True)
    return packed_text(text)


def packed_text(text: str) -> str:
    """A text compressed, in base 64; the same for the same text."""
    return base64.b64encode(gzip.compress(text.encode("utf-8", "replace"), 6, mtime=0)).decode("ascii")


def cell_key(cell: Cell) -> str:
    """What the page's script finds a cell's pairs by: the numbers of its two rows in results.csv."""
    return f"{cell.row.number}-{cell.partner.number}" if cell.row and cell.partner else ""


def pairs_of(results: Results, heats: Iterable[Heat]) -> dict[str, dict[str, Any]]:
    """By cell: ``t`` seconds / 10, ``r`` 1000 x log ratio, ``l`` launch, ``c`` MHz, ``p`` 10 x GFLOP/s, ``k`` 10 x
    °C, ``x`` 1 where a sample of the pair is tainted. What is unknown of all is left out.
    """
    cells: dict[tuple[str, str], dict[str, tuple[Row, Row]]] = {}
    for heat in heats:
        for line in heat.lines:
            for cell in line.cells:
                if cell.row and cell.partner:
                    place = (cell.row.key.device, cell.row.key.cluster)
                    cells.setdefault(place, {})[cell_key(cell)] = (cell.row, cell.partner)
    most = MOST_POINTS // max(1, sum(map(len, cells.values())))
    found: dict[str, dict[str, Any]] = {}
    for (device, cluster), wanted in cells.items():
        samples = _samples(results, device, cluster, {_key(row) for pair in wanted.values() for row in pair})
        for name, (row, partner) in wanted.items():
            if drawn := _drawn(samples.get(_key(row), {}), samples.get(_key(partner), {}), max(8, most)):
                found[name] = drawn
    return found


def _key(row: Row) -> _Key:
    key = row.key
    return (key.layer, key.variant, key.face, key.cache, key.threads, key.build)


def _samples(
    results: Results, device: str, cluster: str, wanted: set[_Key]
) -> Mapping[_Key, Mapping[tuple[int, int, int], _Sample]]:
    """By what was measured: by attempt, launch and round."""
    found: dict[_Key, dict[tuple[int, int, int], _Sample]] = {}
    verdicts = results.verdicts.of(device, cluster)
    base, passed = 0, 0  # what the page counts from on the device's clock, and how far it came; a restart sets it anew
    for attempt, (stream, masks) in enumerate(zip(verdicts.streams, verdicts.masks, strict=True)):
        if not len(stream.samples):
            continue
        first, last = min(stream.samples.column("t_ns")), max(stream.samples.column("t_ns"))
        if not attempt or first - base < passed:
            base = first - passed
        passed = last - base
        celsius = _Temperature(stream)
        columns = zip(stream.samples.zip(*_NAMES), stream.samples.zip(*_EVIDENCE), masks.tolist(), strict=True)
        for (launch, number, *what, t_ns, ns), (before, after, probe, probe_after), mask in columns:
            key = tuple(what)
            if key in wanted:
                mhz, gflops = _mean(before, after), _mean(probe, probe_after)
                sample = (round((t_ns - base) / 1e8), ns, mhz, gflops, celsius.at(t_ns), not mask)
                found.setdefault(key, {})[attempt, launch, number] = sample
    return found


def _drawn(
    ours: Mapping[tuple[int, int, int], _Sample], others: Mapping[tuple[int, int, int], _Sample], most: int
) -> dict[str, Any]:
    both = sorted((ours[key][0], key) for key in ours if key in others)
    step = max(1, math.ceil(len(both) / most))
    keys = [key for _, key in both[::step]]
    if not keys:
        return {}
    drawn: dict[str, Any] = {
        "t": [ours[key][0] for key in keys],
        "r": [round(1000 * math.log(others[key][1] / ours[key][1])) for key in keys],
        "l": [key[1] for key in keys],
    }
    for name, place, scale in (("c", 2, 1), ("p", 3, 10), ("k", 4, 10)):
        values = [ours[key][place] for key in keys]
        if any(value is not None for value in values):
            drawn[name] = [None if value is None else round(scale * value) for value in values]
    tainted = [int(not (ours[key][5] and others[key][5])) for key in keys]
    if any(tainted):
        drawn["x"] = tainted
    if step > 1:
        drawn["every"] = step
    return drawn


class _Temperature:
    """The readings of the source that the heat gates went by."""

    def __init__(self, stream: Stream) -> None:
        source = next((gate.source for gate in stream.of(records.Gate) if gate.source), "")
        readings = [(each.t_ns, c) for each in stream.of(Telemetry) if (c := each.temp_c.get(source)) is not None]
        self._times: Sequence[int] = [t_ns for t_ns, _ in readings]
        self._celsius: Sequence[float] = [celsius for _, celsius in readings]

    def at(self, t_ns: int) -> float | None:
        """The last one before that time; None where there is none."""
        place = bisect_right(self._times, t_ns)
        return self._celsius[place - 1] if place else None


def _mean(before: float | None, after: float | None) -> float | None:
    known = [value for value in (before, after) if value is not None]
    return sum(known) / len(known) if known else None
