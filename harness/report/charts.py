"""Charts as inline SVG: ratios with their intervals, and memory. Every mark names the CSV cell it shows."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import altair as alt
import vl_convert
from markupsafe import Markup, escape

from harness.report.categories import CategoryRow
from harness.report.marks import source
from harness.report.numbers import bytes_text, number_text, ratio_decimals
from harness.report.rows import Row
from harness.report.shape import CATEGORY_TITLES
from harness.stats.interval import Interval

# Okabe and Ito's palette: told apart by colour-blind readers; shapes say the same once more.
COLORS = {"indirect": "#0072B2", "im2col": "#C4500A", "direct": "#00835C", "": "#767676"}
SHAPES = {"indirect": "circle", "im2col": "square", "direct": "triangle-up", "": "diamond"}
SECTIONS = (
    ("larger", "im2col"),
    ("1x1s2", "im2col"),
    ("1x1s1", "direct"),
    ("1x1s1", "im2col"),
    ("grouped", "im2col"),
)
MEAN = "geometric mean"
_INK, _FAINT, _GRID = "#1d232b", "#5b6470", "#e4e7eb"
_FONT = "Helvetica Neue, Helvetica, Arial, sans-serif"
_WIDTH = 310
_SOURCE = re.compile(r'aria-label="([^"]*) \|([a-z]+\.csv:\d+:\w+)\|([0-9.]+)"')

Chart = alt.VConcatChart | alt.LayerChart | alt.FacetChart


def ratio_chart(rows: Sequence[Row], means: Sequence[CategoryRow], place: str) -> Markup | None:
    """Indirect's speed over that of im2col and direct, layer by layer, with intervals; None without a ratio.

    ``rows`` and ``means`` are those of one cluster and cache mode. Colour and shape name the winner; grey: none.
    """
    sections = [(c, other, points) for c, other in SECTIONS if (points := _points(rows, means, c, other))]
    if not sections:
        return None
    domains = [
        _domain([points for c, _, points in sections if (c == "grouped") == grouped]) for grouped in (False, True)
    ]
    charts: list[Any] = []
    for number, (category, other, points) in enumerate(sections, start=1):
        title = f"{CATEGORY_TITLES[category].capitalize()}: indirect against {other}"
        last = number == len(sections)
        charts.append(_ratio_section(points, title, domains[category == "grouped"], last=last))
    label = f"Speed of indirect over the other algorithm with 95 % intervals, {place}"
    return _svg(alt.vconcat(*charts, spacing=14), label)


def memory_chart(rows: Sequence[Row], place: str) -> Markup | None:
    """Bytes of the im2col matrix and of the pointer buffer, layer by layer, log scale; None without a pair."""
    points: list[dict[str, Any]] = []
    for matrix, pointers in memory_pairs(rows):
        for row, column, what in ((matrix, "matrix_bytes", "im2col matrix"), (pointers, "pointer_bytes", "pointers")):
            size = int(row.columns()[column])
            number, unit, _ = bytes_text(size)
            points.append(
                {
                    **{"layer": row.key.layer, "what": what, "bytes": size, "algorithm": row.algorithm},
                    "note": f"{row.key.layer}: {what} {number} {unit} |{source(row, column)}|{size}",
                }
            )
    if not points:
        return None
    names = list(dict.fromkeys(point["layer"] for point in points))
    sizes = [point["bytes"] for point in points]
    ticks = [4**n for n in range(3, 21) if min(sizes) / 4 <= 4**n <= max(sizes) * 4]
    base = alt.Chart(alt.InlineData(values=points)).encode(y=_layers(names))
    x = alt.X(
        "bytes:Q",
        scale=alt.Scale(type="log", nice=False, padding=12),
        axis=alt.Axis(
            title="bytes (log scale)",
            values=ticks,
            labelExpr="datum.value >= 1048576 ? datum.value / 1048576 + ' MiB' : datum.value >= 1024 ? "
            "datum.value / 1024 + ' KiB' : datum.value + ' B'",
        ),
    )
    line = base.mark_line(color="#b9c0c8", strokeWidth=2, aria=False).encode(x=x, detail="layer:N")
    marks = base.mark_point(filled=True, size=70, opacity=1).encode(
        x=x, color=_winners("algorithm"), shape=_shapes("algorithm"), description="note:N"
    )
    return _svg(
        alt.layer(line, marks).properties(width=_WIDTH, height=alt.Step(20)),
        f"Memory of the im2col matrix and of the pointer buffer, {place}",
    )


def memory_pairs(rows: Sequence[Row]) -> list[tuple[Row, Row]]:
    """(im2col's row, indirect's row) of each layer whose im2col makes a matrix; rows of one cache mode."""
    found: dict[tuple[str, str, str], dict[str, Row]] = {}
    for row in rows:
        found.setdefault((row.key.layer, row.kernel, row.key.build), {}).setdefault(row.algorithm, row)
    pairs: dict[str, tuple[Row, Row]] = {}
    for (layer, _, _), by_algorithm in found.items():
        matrix, pointers = by_algorithm.get("im2col"), by_algorithm.get("indirect")
        if matrix and pointers and matrix.matrix_bytes and pointers.pointer_bytes:
            pairs.setdefault(layer, (matrix, pointers))
    return list(pairs.values())


def winner_of(interval: Interval, algorithm: str, other: str) -> str:
    """The faster of two algorithms; empty where the interval holds 1 or there is none."""
    return {1: algorithm, -1: other, 0: ""}[interval.against_one()]


def _points(rows: Sequence[Row], means: Sequence[CategoryRow], category: str, other: str) -> list[dict[str, Any]]:
    ours = [row for row in rows if row.category == category and row.algorithm == "indirect" and row.ratio(other)]
    alike = Counter(row.key.layer for row in ours)
    points: list[dict[str, Any]] = []
    for row in ours:
        interval = row.ratio(other)
        if interval is not None:
            name = row.key.layer if alike[row.key.layer] == 1 else f"{row.key.layer} {row.kernel} {row.key.build}"
            points.append(_point(name, interval, other, source(row, f"ratio_{other}")))
    for mean in means:
        if (mean.category, mean.algorithm, mean.other) == (category, "indirect", other) and len(points) > 1:
            points.append(_point(MEAN, mean.ratio, other, source(mean, "ratio")))
    return points


def _point(name: str, interval: Interval, other: str, where: str) -> dict[str, Any]:
    low, high = interval.low or interval.value, interval.high or interval.value
    digits = ratio_decimals(interval.value)
    bounds = f" [{low:.3f}, {high:.3f}]" if interval.has_interval else ", no interval"
    exact = number_text(interval.value)
    return {
        **{"layer": name, "ratio": interval.value, "low": low, "high": high, "text": f"{interval.value:.{digits}f}"},
        "winner": winner_of(interval, "indirect", other),
        "note": f"{name}: indirect is {interval.value:.3f}x{bounds} of {other}'s speed |{where}|{exact}",
    }


def _domain(sections: Sequence[list[dict[str, Any]]]) -> list[float]:
    """The common ends of the ratio axis of several sections; 1 is always inside."""
    values = [v for points in sections for p in points for v in (p["ratio"], p["low"], p["high"])]
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


def _ratio_section(points: list[dict[str, Any]], title: str, domain: list[float], *, last: bool) -> Chart:
    base = alt.Chart(alt.InlineData(values=points)).encode(y=_layers([point["layer"] for point in points]))
    axis = alt.Axis(
        title="speed of indirect over the other's (log scale; right of 1: indirect is faster)" if last else None,
        format=".2~f",
        values=ratio_ticks(domain),
    )
    scale = alt.Scale(type="log", domain=domain, nice=False)
    x = alt.X("ratio:Q", scale=scale, axis=axis)
    one = alt.Chart(alt.InlineData(values=[{"one": 1}])).mark_rule(color=_INK, strokeWidth=1.2, aria=False)
    color, shape = _winners("winner"), _shapes("winner")
    bars = base.mark_rule(strokeWidth=2.2, aria=False).encode(
        x=alt.X("low:Q", scale=scale, axis=axis), x2="high:Q", color=color
    )
    marks = base.mark_point(filled=True, size=70, opacity=1).encode(x=x, color=color, shape=shape, description="note:N")
    texts = base.mark_text(align="right", fontSize=11, color=_INK, font=_FONT).encode(
        x=alt.value(_WIDTH + 40), text="text:N", description="note:N"
    )
    return alt.layer(one.encode(x=alt.X("one:Q", scale=scale, axis=axis)), bars, marks, texts).properties(
        width=_WIDTH,
        height=alt.Step(20),
        title=alt.TitleParams(title, anchor="start", fontSize=12, color=_INK, font=_FONT, frame="group", offset=6),
    )


def _layers(names: Sequence[str]) -> alt.Y:
    weight = {"condition": {"test": f"datum.value === '{MEAN}'", "value": "bold"}, "value": "normal"}
    axis: dict[str, Any] = {"title": None, "labelLimit": 220, "labelPadding": 8, "labelFontWeight": weight}
    axis |= {"ticks": False, "domain": False, "grid": False}
    return alt.Y("layer:N", sort=list(names), axis=alt.Axis(**axis))


def _winners(field: str) -> alt.Color:
    scale = alt.Scale(domain=list(COLORS), range=list(COLORS.values()))
    return alt.Color(f"{field}:N", scale=scale, legend=None)


def _shapes(field: str) -> alt.Shape:
    scale = alt.Scale(domain=list(SHAPES), range=list(SHAPES.values()))
    return alt.Shape(f"{field}:N", scale=scale, legend=None)


def _svg(chart: Chart, label: str) -> Markup:
    styled = (
        chart.configure(font=_FONT, background="transparent", padding=4)
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=_FAINT,
            titleColor=_FAINT,
            titleFontWeight="normal",
            titleFontSize=11,
            labelFontSize=11,
            gridColor=_GRID,
            domainColor=_GRID,
            tickColor=_GRID,
        )
    )
    svg = str(vl_convert.vegalite_to_svg(styled.to_dict(), vl_version=alt.SCHEMA_VERSION.removeprefix("v")[:3]))
    svg = _SOURCE.sub(r'aria-label="\1" data-source="\2" data-value="\3"', svg)
    # vl_convert escapes every text it draws; nothing else of the records is in here.
    return Markup(svg.replace("<svg ", f'<svg role="img" aria-label="{escape(label)}" ', 1))  # noqa: S704
