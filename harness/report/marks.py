"""Numbers in HTML that name the cell of the CSV file that they come from."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from markupsafe import Markup

from harness.report.numbers import bytes_text, ratio_decimals, rounded
from harness.results.baseline import BaselineRow
from harness.results.categories import CategoryRow
from harness.results.faces import FaceRow
from harness.results.rows import Row

AnyRow = Row | CategoryRow | FaceRow | BaselineRow
_FILES = {Row: "results.csv", CategoryRow: "categories.csv", FaceRow: "faces.csv", BaselineRow: "baseline.csv"}
EMPTY = Markup('<span class="none">–</span>')


class Marks:
    """Makes the spans: the cell's text stands in data-value, what was multiplied with it in data-scale."""

    def __init__(self) -> None:
        self._columns: dict[tuple[str, int], Mapping[str, str]] = {}

    def cell(self, row: AnyRow, column: str, show: Callable[[float], str], scale: float = 1.0) -> Markup:
        """A number of a row: ``show`` makes the text from the value times ``scale``; a dash where it is unknown."""
        value = self._text(row, column)
        if not value:
            return EMPTY
        scaled = Markup("") if scale == 1 else Markup(' data-scale="{}"').format(repr(scale))
        return Markup('<span class="n" data-source="{}" data-value="{}"{}>{}</span>').format(
            source(row, column), value, scaled, show(float(value) * scale)
        )

    def _text(self, row: AnyRow, column: str) -> str:
        place = (_file(row), row.number)
        if place not in self._columns:
            self._columns[place] = row.columns
        return self._columns[place][column]

    def ratio(self, row: AnyRow, column: str = "ratio") -> Markup:
        """``1.31x [1.28, 1.34]`` with three marked numbers; without interval ``1.31x`` alone."""
        low, high = ("low", "high") if column == "ratio" else (f"{column}_low", f"{column}_high")
        texts = [self._text(row, name) for name in (column, low, high)]
        show = f"{{:.{ratio_decimals(*(float(text) if text else None for text in texts))}f}}".format
        value = self.cell(row, column, show)
        if value == EMPTY:
            return EMPTY
        bounds = self.cell(row, low, show), self.cell(row, high, show)
        if EMPTY in bounds:
            return Markup('<span class="est">{}x</span>').format(value)
        return Markup('<span class="est">{}x</span> <span class="ci">[{}, {}]</span>').format(value, *bounds)

    def time(self, row: Row) -> Markup:
        """The median time with its interval, in µs or ms."""
        if row.time is None:
            return EMPTY
        unit, scale = time_unit(row.time.value)
        digits = _decimals(row.time.value * scale)
        show = f"{{:.{digits}f}}".format
        value = Markup("{}\u00a0{}").format(self.cell(row, "median_ns", show, scale), unit)
        if not row.time.has_interval:
            return value
        bounds = self.cell(row, "low_ns", show, scale), self.cell(row, "high_ns", show, scale)
        return Markup('<span class="est">{}</span> <span class="ci">[{}, {}]</span>').format(value, *bounds)

    def duration(self, row: Row, column: str) -> Markup:
        """A time without interval."""
        value = self._text(row, column)
        if not value:
            return EMPTY
        unit, scale = time_unit(float(value))
        return Markup("{}\u00a0{}").format(self.cell(row, column, rounded, scale), unit)

    def size(self, row: Row, column: str) -> Markup:
        """A size in bytes with its unit."""
        value = self._text(row, column)
        if not value:
            return EMPTY
        _, unit, scale = bytes_text(float(value))
        if float(value) == 0:
            return Markup('<span class="zero">{}</span>').format(self.cell(row, column, "{:.0f}".format))
        if unit == "B":
            return Markup("{}\u00a0B").format(self.cell(row, column, "{:.0f}".format))
        return Markup("{}\u00a0{}").format(self.cell(row, column, rounded, scale), unit)


def source(row: AnyRow, column: str) -> str:
    """Where a number stands: ``results.csv:12:median_ns``."""
    return f"{_file(row)}:{row.number}:{column}"


def _file(row: AnyRow) -> str:
    return _FILES[type(row)]


def time_unit(ns: float) -> tuple[str, float]:
    """The unit to show a time in, and what to multiply nanoseconds with."""
    return ("ms", 1e-6) if ns >= 1e6 else ("µs", 1e-3) if ns >= 1e3 else ("ns", 1.0)


def _decimals(value: float, digits: int = 3) -> int:
    return max(0, digits - 1 - math.floor(math.log10(value))) if value > 0 else 0
