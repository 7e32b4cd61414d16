"""What a sustained run showed: a sentence, a table and curves for each cluster, apart from all burst results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter

from harness.report.charts import COLORS
from harness.report.marks import source
from harness.report.numbers import rounded
from harness.results.numbers import number_text
from harness.results.series import Series, Window

_WIDTH, _HEIGHT, _CLOCK = 420, 110, 44  # pixels of the axis, the throughput's and the clock's
_TITLE, _BETWEEN = 28, 30
_LEFT, _RIGHT = 64, 170
_TICKS = 4
_LETTERS = 12  # pixels between the names of two curves


@dataclass(frozen=True)
class Dot:
    """One window of a series."""

    x: float
    y: float
    label: str  # for readers who do not see the chart
    source: str
    value: str


@dataclass(frozen=True)
class Curve:
    """One series: its windows in order, and the height of its name."""

    name: str
    color: str
    dots: tuple[Dot, ...]
    name_y: float

    @property
    def path(self) -> str:
        """The line through its dots, as SVG."""
        return "M" + "L".join(f"{dot.x},{dot.y}" for dot in self.dots)


@dataclass(frozen=True)
class Panel:
    """The curves of one layer over one axis."""

    title: str
    top: int
    bottom: int
    most: str  # at the upper end of the axis, which begins at 0
    ticks: tuple[tuple[float, str], ...]  # seconds
    curves: tuple[Curve, ...]


@dataclass(frozen=True)
class Curves:
    """Panels below each other."""

    label: str
    panels: tuple[Panel, ...]
    height: int
    left: int = _LEFT
    axis: int = _WIDTH
    width: int = _LEFT + _WIDTH + _RIGHT


@dataclass(frozen=True)
class SustainedBlock:
    """One cluster."""

    series: list[Series]
    curves: Curves | None

    @property
    def edge(self) -> str:
        """The length of the first and the last part that are compared."""
        return f"{self.series[0].first.to_s:.0f} s" if self.series else ""

    @property
    def reasons(self) -> list[str]:
        """Why no energy can be told, each once."""
        return list(dict.fromkeys(each.energy.reason for each in self.series if each.energy.reason))


def sustained_words(series: Sequence[Series]) -> str:
    """What they showed, as the end of a sentence."""
    kept = [each.kept for each in series if each.kept is not None]
    if not kept:
        return "no series under load was measured"
    whole = sum(each.is_whole for each in series)
    cut = f"; {len(series) - whole} of them were cut" if whole < len(series) else ""
    long, edge = f"{max(each.seconds for each in series):.0f} s", f"{series[0].first.to_s:.0f} s"
    many = f"{len(series)} series of {long}" if len(series) > 1 else f"one series of {long}"
    low, high = f"{100 * min(kept):.0f}", f"{100 * max(kept):.0f}"
    shares = f"{low} %" if low == high else f"{low} to {high} %"
    return f"under load, {many} kept in their last {edge} {shares} of the throughput of their first {edge}{cut}"


def sustained_block(series: Sequence[Series], place: str) -> SustainedBlock:
    """Of one cluster."""
    panels: list[Panel] = []
    for layer in dict.fromkeys(each.key.layer for each in series):
        of_layer = [each for each in series if each.key.layer == layer]
        for title, height, column, unit in (
            (f"{layer}: GFLOP/s", _HEIGHT, "gflops", "GFLOP/s"),
            ("clock in MHz", _CLOCK, "mhz", "MHz"),
        ):
            top = (panels[-1].bottom + _BETWEEN if panels else 0) + _TITLE
            panels += _panel(of_layer, title, (top, height), column, unit)
    label = f"Throughput and clock over time under load, {place}"
    return SustainedBlock(list(series), Curves(label, tuple(panels), panels[-1].bottom + _BETWEEN) if panels else None)


def _panel(series: Sequence[Series], title: str, place: tuple[int, int], column: str, unit: str) -> list[Panel]:
    """The panel; none where no value is known. ``place``: top and height."""
    value: Callable[[Window], float | None] = attrgetter(column)
    known = [v for each in series for window in each.windows if (v := value(window))]
    if not known:
        return []
    (top, height), most, longest = place, max(known), max(each.seconds for each in series)
    curves: list[Curve] = []
    for each in series:
        dots = tuple(
            Dot(
                round(_WIDTH * (window.from_s + window.to_s) / 2 / longest, 1),
                round(top + height * (1 - v / most), 1),
                f"{each.key.layer} {each.key.variant}, {window.from_s:.0f} to {window.to_s:.0f} s: {rounded(v)} {unit}",
                source(window, column),
                number_text(v),
            )
            for window in each.windows
            if (v := value(window))
        )
        if dots:
            again = sum(other.key == each.key for other in series) > 1
            name = each.key.variant + (f", launch {each.launch + 1}" if again else "")
            curves.append(
                Curve(name, COLORS.get(each.key.what.algorithm, COLORS[""]), dots, top + _LETTERS * len(curves))
            )
    ticks = tuple((round(_WIDTH * n / _TICKS, 1), f"{longest * n / _TICKS:.0f} s") for n in range(_TICKS + 1))
    return [Panel(title, top, top + max(height, _LETTERS * len(curves)), rounded(most), ticks, tuple(curves))]
