"""Numbers as texts: of CSV cells, and of how many threads share a call."""

from __future__ import annotations

import math

import numpy as np

from harness.stats.interval import Interval

DIGITS = 9  # significant digits


def number_text(value: float | int | None) -> str:
    """A number for a CSV cell: integers whole, others to 9 significant digits, never an exponent; empty for None."""
    if value is None:
        return ""
    if isinstance(value, int):
        return str(value)
    if not math.isfinite(value):
        return ""
    return np.format_float_positional(value, precision=DIGITS, fractional=False, trim="-")


def ratio_texts(found: Interval | None, name: str = "ratio", low: str = "low", high: str = "high") -> dict[str, str]:
    """A ratio and its interval as cells by column; empty where there is none."""
    values = (found.value, found.low, found.high) if found else (None, None, None)
    return dict(zip((name, low, high), map(number_text, values), strict=True))


def on_threads(threads: int) -> str:
    """`` on 4 threads``, behind what was measured so; nothing of one thread."""
    return f" on {threads} threads" if threads > 1 else ""
