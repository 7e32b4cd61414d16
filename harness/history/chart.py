"""A series as positions; reports/history.html.j2 draws them as SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from harness.history.lines import Told
from harness.history.series import Series

# Pixels.
LEFT, WIDTH, RIGHT = 62, 640, 14
TOP, HEIGHT, BOTTOM = 22, 120, 26
_INSIDE = 8  # between the ends of the axes and the outermost marks
_LEAST_SPAN = 0.03  # of the axis of times, as a share: noise is not to look like a mountain
_Z = 1.96
_WIDEST = 30.0  # of half an interval, as a logarithm: one of broken times is wider than any chart
_MOST_TICKS = 6


@dataclass(frozen=True)
class Dot:
    """A run: its time, and the ends of its interval."""

    x: float
    y: float
    low: float
    high: float
    is_odd: bool
    label: str


@dataclass(frozen=True)
class Mark:
    """A change: where it begins, and what it is."""

    x: float
    to: float
    word: str  # slower, faster
    text: str
    is_left: bool  # the text stands left of it


@dataclass(frozen=True)
class Chart:
    """Times by date, as shares of the first level."""

    label: str
    dots: Sequence[Dot]
    levels: Sequence[tuple[float, float, float, float]]
    marks: Sequence[Mark]
    x_ticks: Sequence[tuple[float, str]]
    y_ticks: Sequence[tuple[float, str]]


class _Axis:
    def __init__(self, low: float, high: float, begin: float, end: float) -> None:
        self.low, self.high, self._begin, self._end = low, high, begin, end

    def at(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low) if self.high > self.low else 0.5
        return round(self._begin + share * (self._end - self._begin), 1)


def chart_of(series: Series) -> Chart:
    """The chart of a series with at least one point."""
    points, found = series.points, series.found
    logs = [math.log(point.ns) for point in points]
    base = found.levels[0].begin if found.levels else logs[0]
    errors = [min(_Z * (point.log_se or 0.0), _WIDEST) for point in points]
    shares = [log - base for log in logs]
    low = min(share - error for share, error in zip(shares, errors, strict=True))
    high = max(share + error for share, error in zip(shares, errors, strict=True))
    wider = max(0.0, math.log1p(_LEAST_SPAN) - (high - low)) / 2
    y = _Axis(low - wider, high + wider, TOP + HEIGHT - _INSIDE, TOP + _INSIDE)
    first, last = points[0].started, points[-1].started
    x = _Axis(0.0, (last - first).total_seconds(), _INSIDE, WIDTH - _INSIDE)

    def at(n: int) -> float:
        return x.at((points[n].started - first).total_seconds())

    dots = [
        Dot(at(n), y.at(share), y.at(share - error), y.at(share + error), n in found.odd, _label(series, n, share))
        for n, (share, error) in enumerate(zip(shares, errors, strict=True))
    ]
    levels = [
        (at(level.first), y.at(level.begin - base), at(level.last), y.at(level.end - base)) for level in found.levels
    ]
    marks = [_mark(Told(series, change), at(change.first), at(change.last)) for change in found.changes]
    label = f"Time of {series.key.layer}, {series.key.variant} on {series.place}, {len(points)} runs"
    return Chart(label, dots, levels, marks, list(_dates(first, last, x)), list(_shares(y)))


def _label(series: Series, n: int, share: float) -> str:
    point = series.points[n]
    odd = ", left out as disturbed" if n in series.found.odd else ""
    return (
        f"{point.started:%Y-%m-%d %H:%M} {point.run}: {point.ns:.6g} ns, {math.expm1(share):+.1%}{odd}, {point.variant}"
    )


def _mark(told: Told, x: float, to: float) -> Mark:
    size = f"{math.expm1(math.log(told.change.ratio)):+.1%}".replace("%", " %").replace("-", "\u2212")
    return Mark(x, max(to, x), told.word, size, x > WIDTH - 60)


def _dates(first: datetime, last: datetime, axis: _Axis) -> list[tuple[float, str]]:
    days = (last - first).total_seconds() / 86400
    step = max(1, math.ceil(days / _MOST_TICKS))
    found = []
    for n in range(math.floor(days / step) + 1):
        when = first + timedelta(days=n * step)
        found.append((axis.at((when - first).total_seconds()), f"{when:%Y-%m-%d}"))
    return found


def _shares(axis: _Axis) -> list[tuple[float, str]]:
    """Round percentages within the axis."""
    low, high = math.expm1(axis.low), math.expm1(axis.high)
    span = high - low
    round_ones = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
    step = next((s for s in round_ones if span / s <= 5), 10.0 ** math.ceil(math.log10(max(span, 1.0) / 5)))
    decimals = 1 if step < 0.01 else 0
    found = []
    for n in range(math.ceil(low / step), math.floor(high / step) + 1):
        if 1 + n * step > 0:
            text = f"{n * step:+.{decimals}%}".replace("%", " %").replace("-", "\u2212") if n else "0 %"
            found.append((axis.at(math.log1p(n * step)), text))
    return found
