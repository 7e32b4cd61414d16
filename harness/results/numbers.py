"""Numbers as texts of CSV cells."""

from __future__ import annotations

import math

import numpy as np

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
