"""Charts as positions: reports/charts.html.j2 draws them as SVG. Every mark names the CSV cell it shows."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from harness.model.layer import CATEGORY_TITLES
from harness.report.marks import source, winner_of
from harness.report.numbers import bytes_text, ratio_decimals
from harness.results.categories import CategoryRow
from harness.results.numbers import number_text
from harness.results.rows import Row
from harness.stats.interval import Interval

# Okabe and Ito's palette: told apart by colour-blind readers; shapes say the same once more.
COLORS = {"indirect": "#0072B2", "im2col": "#C4500A", "direct": "#00835C", "": "#767676"}
SHAPES = {  # around a path's point: circle, square, triangle, diamond
    "indirect": "m-4.2,0a4.2,4.2,0,1,1,0,.1z",
    "im2col": "m-4-4h8v8h-8z",
    "direct": "m0-4.5l4.8,8.3h-9.6z",
    "": "m0-5l5,5l-5,5l-5-5z",
}
SECTIONS = (
    ("larger", "im2col"),
    ("1x1s2", "im2col"),
    ("1x1s1", "direct"),
    ("1x1s1", "im2col"),
    ("grouped", "im2col"),
)
MEAN = "geometric mean"
# Pixels.
_WIDTH = 310  # of an axis
STEP = 20  # from one layer to the next
TITLE, _AXIS, _CAPTION, _BETWEEN = 24, 20, 18, 10
_LETTER = 6.5  # width on average
_MOST_LETTERS = 36  # of a layer's name
_INSIDE = 12  # between the ends of the axis of sizes and its outermost marks


@dataclass(frozen=True)
class Mark:
    """One number: a symbol at ``x``, and for ratios a bar from ``low`` to ``high`` and the number as ``text``."""

    x: float
    color: str
    path: str
    label: str  # for readers who do not see the chart
    source: str
    value: str
    low: float = 0.0
    high: float = 0.0
    text: str = ""


@dataclass(frozen=True)
class Line:
    """One layer's marks at height ``y``."""

    name: str
    y: int
    marks: tuple[Mark, ...]
    is_mean: bool = False

    @property
    def label(self) -> str:
        """The name, its start cut off where it is too long: layers of one network end differently."""
        return self.name if len(self.name) <= _MOST_LETTERS else f"…{self.name[1 - _MOST_LETTERS :]}"


@dataclass(frozen=True)
class Section:
    """Lines above one axis. ``ticks``: position and text; ``one``: where the ratio 1 lies."""

    title: str
    top: int
    bottom: int
    ticks: tuple[tuple[float, str], ...]
    lines: tuple[Line, ...]
    one: float | None = None
    caption: str = ""  # of the axis


@dataclass(frozen=True)
class Chart:
    """Sections below each other. ``left``: room for names; positions in x are right of it."""

    label: str
    left: int
    width: int
    height: int
    sections: tuple[Section, ...]
    axis: int = _WIDTH


@dataclass(frozen=True)
class _Point:
    """A ratio to be drawn."""

    name: str
    interval: Interval
    other: str
    source: str

    @property
    def ends(self) -> tuple[float, float]:
        return self.interval.low or self.interval.value, self.interval.high or self.interval.value

    def mark(self, scale: LogAxis) -> Mark:
        value, (low, high) = self.interval.value, self.ends
        bounds = f" [{low:.3f}, {high:.3f}]" if self.interval.has_interval else ", no interval"
        winner = winner_of(self.interval, "indirect", self.other)
        return Mark(
            scale.at(value),
            COLORS[winner],
            SHAPES[winner],
            f"{self.name}: indirect is {value:.3f}x{bounds} of {self.other}'s speed",
            self.source,
            number_text(value),
            scale.at(low),
            scale.at(high),
            f"{value:.{ratio_decimals(value)}f}",
        )


@dataclass(frozen=True)
class LogAxis:
    """A logarithmic axis from ``low`` to ``high``; ``inside``: pixels left free at both ends of its ``length``."""

    low: float
    high: float
    inside: float = 0.0
    length: int = _WIDTH

    def at(self, value: float) -> float:
        """The value's place in pixels."""
        share = math.log(value / self.low) / math.log(self.high / self.low) if self.high > self.low else 0.5
        return round(self.inside + share * (self.length - 2 * self.inside), 1)


def ratio_chart(rows: Sequence[Row], means: Sequence[CategoryRow], place: str) -> Chart | None:
    """Indirect's speed over that of im2col and direct, layer by layer, with intervals; None without a ratio.

    ``rows`` and ``means`` are those of one cluster and cache mode. Colour and shape name the winner; grey: none.
    """
    found = [(c, other, points) for c, other in SECTIONS if (points := _points(rows, means, c, other))]
    if not found:
        return None
    domains = [_domain([points for c, _, points in found if (c == "grouped") == grouped]) for grouped in (False, True)]
    sections: list[Section] = []
    top = 0
    for category, other, points in found:
        domain = domains[category == "grouped"]
        scale = LogAxis(domain[0], domain[1])
        top += TITLE
        lines = tuple(
            Line(point.name, top + STEP * n + STEP // 2, (point.mark(scale),), point.name == MEAN)
            for n, point in enumerate(points)
        )
        bottom = top + STEP * len(points)
        ticks = tuple((scale.at(tick), f"{tick:.2f}".rstrip("0").rstrip(".")) for tick in ratio_ticks(domain))
        title = f"{CATEGORY_TITLES[category].capitalize()}: indirect against {other}"
        last = len(sections) == len(found) - 1
        caption = "speed of indirect over the other's (log scale; right of 1: indirect is faster)" if last else ""
        sections.append(Section(title, top, bottom, ticks, lines, scale.at(1), caption))
        top = bottom + _AXIS + _BETWEEN
    label = f"Speed of indirect over the other algorithm with 95 % intervals, {place}"
    return chart_of(label, sections, right=50)


def memory_chart(rows: Sequence[Row], place: str) -> Chart | None:
    """Bytes of the im2col matrix and of the pointer buffer, layer by layer, log scale; None without a pair."""
    pairs = memory_pairs(rows)
    sizes = [size for matrix, pointers in pairs for size in (matrix.matrix_bytes, pointers.pointer_bytes) if size]
    if not sizes:
        return None
    scale = LogAxis(min(sizes), max(sizes), _INSIDE)
    lines = tuple(
        Line(
            matrix.key.layer,
            4 + STEP * n + STEP // 2,
            (
                _size_mark(matrix, "matrix_bytes", "im2col matrix", scale),
                _size_mark(pointers, "pointer_bytes", "pointers", scale),
            ),
        )
        for n, (matrix, pointers) in enumerate(pairs)
    )
    ticks: list[tuple[float, str]] = []
    for size in (4**n for n in range(21)):
        x = scale.at(size)
        if 0 <= x <= _WIDTH and (not ticks or x - ticks[-1][0] >= 44):
            ticks.append((x, _size(size)))
    section = Section("", 4, 4 + STEP * len(lines), tuple(ticks), lines, caption="bytes (log scale)")
    return chart_of(f"Memory of the im2col matrix and of the pointer buffer, {place}", [section], right=12)


def memory_pairs(rows: Sequence[Row]) -> list[tuple[Row, Row]]:
    """(im2col's row, indirect's row) of each layer whose im2col makes a matrix; rows of one cache mode."""
    found: dict[tuple[str, str, str], dict[str, Row]] = {}
    for row in rows:
        found.setdefault((row.key.layer, row.schedule, row.key.build), {}).setdefault(row.algorithm, row)
    pairs: dict[str, tuple[Row, Row]] = {}
    for (layer, _, _), by_algorithm in found.items():
        matrix, pointers = by_algorithm.get("im2col"), by_algorithm.get("indirect")
        if matrix and pointers and matrix.matrix_bytes and pointers.pointer_bytes:
            pairs.setdefault(layer, (matrix, pointers))
    return list(pairs.values())


def chart_of(label: str, sections: Sequence[Section], right: int) -> Chart:
    """The sections as one chart, with room for their names at the left and so many pixels at the right."""
    letters = max(len(line.label) for section in sections for line in section.lines)
    left = max(60, round(_LETTER * letters + 12))
    height = sections[-1].bottom + _AXIS + _CAPTION
    return Chart(label, left, left + _WIDTH + right, height, tuple(sections))


def _points(rows: Sequence[Row], means: Sequence[CategoryRow], category: str, other: str) -> list[_Point]:
    ours = [row for row in rows if row.category == category and row.algorithm == "indirect" and row.ratio(other)]
    alike = Counter(row.key.layer for row in ours)
    builds = {row.key.build for row in ours}
    points: list[_Point] = []
    for row in ours:
        interval = row.ratio(other)
        if interval is not None:
            name = row.key.layer if alike[row.key.layer] == 1 else _label(row, builds)
            points.append(_Point(name, interval, other, source(row, f"ratio_{other}")))
    for mean in means:
        if (mean.category, mean.algorithm, mean.other) == (category, "indirect", other) and len(points) > 1:
            points.append(_Point(MEAN, mean.ratio, other, source(mean, "ratio")))
    return points


def _label(row: Row, builds: Collection[str]) -> str:
    """A layer that stands there more than once, with what tells its rows apart."""
    options = row.schedule.removeprefix(row.kernel) if row.kernel else f" {row.schedule}"
    return f"{row.key.layer}{options}" + (f" {row.key.build}" if len(builds) > 1 else "")


def _size_mark(row: Row, column: str, what: str, scale: LogAxis) -> Mark:
    size = int(row.columns[column])
    number, unit, _ = bytes_text(size)
    return Mark(
        scale.at(size),
        COLORS.get(row.algorithm, COLORS[""]),
        SHAPES.get(row.algorithm, SHAPES[""]),
        f"{row.key.layer}: {what} {number} {unit}",
        source(row, column),
        str(size),
    )


def _size(size: int) -> str:
    for unit, scale in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size >= scale:
            return f"{size // scale} {unit}"
    return f"{size} B"


def _domain(sections: Sequence[list[_Point]]) -> list[float]:
    """The common ends of the ratio axis of several sections."""
    return domain_of([v for points in sections for p in points for v in (p.interval.value, *p.ends)])


def domain_of(values: Sequence[float]) -> list[float]:
    """The ends of an axis that shows these ratios; 1 is always inside."""
    return [min(0.95, *values) * 0.98, max(1.05, *values) * 1.02] if values else [0.9, 1.1]


def ratio_ticks(domain: Sequence[float], least: float = 38 / _WIDTH) -> list[float]:
    """Round ratios inside a logarithmic axis: 1, and outwards from it those a share ``least`` of the axis apart."""
    apart = least * math.log(domain[1] / domain[0])
    fine = 2 if domain[1] / domain[0] < 1.25 else 10  # percent between candidates next to 1
    up = [1.5] if domain[1] > 3 else [n / 100 for n in range(100 + fine, 200, fine)]
    up += [float(n) * 10**power for power in range(4) for n in (2, 3, 4, 5, 7, 10)]
    down = [n / 100 for n in range(100 - fine, 10, -fine)] + [10.0**-power for power in range(1, 5)]
    ticks = [1.0]
    for candidates in (up, down):
        last = 1.0
        for tick in candidates:
            if domain[0] <= tick <= domain[1] and abs(math.log(tick / last)) >= apart:
                ticks.append(tick)
                last = tick
    return sorted(ticks)
