"""Numbers in HTML that name the cell of the CSV file that they come from."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from markupsafe import Markup, escape

from harness.compare.comparison import ComparedRow
from harness.report.numbers import bytes_text, ratio_decimals, rounded, share_text
from harness.results.aa import AaRow
from harness.results.baseline import BaselineRow
from harness.results.categories import CategoryRow
from harness.results.faces import FaceRow
from harness.results.methods import MethodRow
from harness.results.networks import NetworkRow
from harness.results.results import AnyRow
from harness.results.rows import Row
from harness.results.series import Series, Window
from harness.results.workers import WorkerRow
from harness.stats.interval import Interval

_FILES: dict[type, str] = {
    **{Row: "results.csv", CategoryRow: "categories.csv", FaceRow: "faces.csv", BaselineRow: "baseline.csv"},
    **{WorkerRow: "workers.csv", Series: "sustained.csv", Window: "windows.csv"},
    **{ComparedRow: "compare.csv", AaRow: "aa.csv", NetworkRow: "networks.csv", MethodRow: "methods.csv"},
}
AnyMarked = AnyRow | ComparedRow
EMPTY = Markup()  # the style sheet puts a dash into an empty cell
_NO_CELL, _OK = Markup("<td>"), Markup("ok")


class Marks:
    """Makes the elements, and what of a row of a table is told by them.

    They are short: a large report holds fifty thousand. What is put together are numbers, names of columns and units;
    texts from the records are escaped.
    """

    def cell(self, row: AnyMarked, column: str, show: Callable[[float], str], scale: float = 1.0) -> Markup:
        """A number of a row: ``show`` makes the text from the value times ``scale``; nothing where it is unknown."""
        value = row.columns[column]
        return Markup(_number(row, column, show(float(value) * scale))) if value else EMPTY  # noqa: S704

    def ratio(self, row: AnyMarked, column: str = "ratio") -> Markup:
        """``1.31x [1.28, 1.34] sees 2 %`` with marked numbers, the last what it could have shown (``visible``).

        Without interval ``1.31x`` alone.
        """
        names = (column, "low", "high") if column == "ratio" else (column, f"{column}_low", f"{column}_high")
        texts = [row.columns[name] for name in names]
        if not texts[0]:
            return EMPTY
        digits = ratio_decimals(*(float(text) if text else None for text in texts))
        value, *bounds = (
            _number(row, name, f"{float(text):.{digits}f}") for name, text in zip(names, texts, strict=True) if text
        )
        name = "visible" if column in ("ratio", "ratio_im2col", "ratio_direct") else f"{column}_visible"
        seen = row.columns[name]
        visible = f" sees {_number(row, name, share_text(float(seen)))}" if seen else ""
        return Markup(_estimate(f"{value}x", bounds, visible))  # noqa: S704

    def time(self, row: Row) -> Markup:
        """The median time with its interval, in µs or ms."""
        return EMPTY if row.time is None else _timed(row, row.time.value, "median_ns")

    def total(self, row: NetworkRow) -> Markup:
        """The time of a whole network with its interval."""
        return _timed(row, row.total.value, "total_ns")

    def duration(self, row: Row, column: str) -> Markup:
        """A time without interval."""
        value = row.columns[column]
        if not value:
            return EMPTY
        unit, scale = time_unit(float(value))
        return Markup(f"{_number(row, column, rounded(float(value) * scale))}\u00a0{unit}")  # noqa: S704

    def size(self, row: Row, column: str) -> Markup:
        """A size in bytes with its unit."""
        value = row.columns[column]
        if not value:
            return EMPTY
        _, unit, scale = bytes_text(float(value))
        if float(value) == 0:
            return Markup(_number(row, column, "0", " class=none"))  # noqa: S704
        shown = f"{float(value):.0f}" if unit == "B" else rounded(float(value) * scale)
        return Markup(f"{_number(row, column, shown)}\u00a0{unit}")  # noqa: S704

    def won(self, interval: Interval, algorithm: str, other: str) -> str:
        """The classes of an element that holds a ratio: they give it the faster one's colour and symbol."""
        return f"w w-{winner_of(interval, algorithm, other) or 'none'}"

    def against(self, row: Row, other: str, role: str) -> Markup:
        """A table's cell with the row's ratio over another algorithm; ``role``: what wins where the row is faster."""
        interval = row.ratio(other)
        if interval is None:
            return _NO_CELL
        won = escape(self.won(interval, role, other))
        return Markup(f'<td class="{won}">{self.ratio(row, f"ratio_{other}")}')  # noqa: S704

    def state(self, row: Row) -> Markup:
        """The row's status, and why it is that."""
        if row.status == "ok" and not row.reason:
            return _OK
        why = f": {row.reason}" if row.reason else ""
        return Markup('<span class="status status-{0}">{0}</span>{1}').format(row.status, why)


def _timed(row: AnyMarked, ns: float, column: str) -> Markup:
    unit, scale = time_unit(ns)
    digits = _decimals(ns * scale)
    value, *bounds = (
        _number(row, name, f"{float(text) * scale:.{digits}f}")
        for name in (column, "low_ns", "high_ns")
        if (text := row.columns[name])
    )
    return Markup(_estimate(f"{value}\u00a0{unit}", bounds))  # noqa: S704


def _number(row: AnyMarked, column: str, shown: str, attributes: str = "") -> str:
    return f'<i data-source="{_FILES[type(row)]}:{row.number}:{column}"{attributes}>{shown}</i>'


def _estimate(value: str, bounds: Sequence[str], visible: str = "") -> str:
    if len(bounds) != 2:
        return f"<b>{value}</b>"
    return f"<b>{value}</b> <small>[{', '.join(bounds)}]{visible}</small>"


def source(row: AnyMarked, column: str) -> str:
    """Where a number stands: ``results.csv:12:median_ns``."""
    return f"{_FILES[type(row)]}:{row.number}:{column}"


def winner_of(interval: Interval, algorithm: str, other: str) -> str:
    """The faster of two algorithms; empty where the interval holds 1 or there is none."""
    return {1: algorithm, -1: other, 0: ""}[interval.against_one()]


def time_unit(ns: float) -> tuple[str, float]:
    """The unit to show a time in, and what to multiply nanoseconds with."""
    return ("ms", 1e-6) if ns >= 1e6 else ("µs", 1e-3) if ns >= 1e3 else ("ns", 1.0)


def _decimals(value: float, digits: int = 3) -> int:
    return max(0, digits - 1 - math.floor(math.log10(value))) if value > 0 else 0
