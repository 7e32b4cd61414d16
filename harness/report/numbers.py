"""Numbers as texts, short enough for people."""

from __future__ import annotations

import math

from harness.stats.interval import Interval


def rounded(value: float, digits: int = 3, *, group: str = "\u202f") -> str:
    """A positive number to so many significant digits, thin spaces between thousands: ``0.0123``.

    Digits before the point are never rounded away.
    """
    if value == 0:
        return "0"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:.{decimals}f}"
    whole, point, fraction = text.partition(".")
    return f"{int(whole):,}".replace(",", group) + point + fraction if abs(value) >= 1000 else text


def bytes_text(value: float) -> tuple[str, str, float]:
    """A size for people: its number, its unit (B, KiB, MiB, GiB), and what to multiply bytes with to get the number."""
    for unit, size in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if value >= size:
            return rounded(value / size), unit, 1 / size
    return str(int(value)), "B", 1.0


def ratio_decimals(*values: float | None) -> int:
    """Decimals for a ratio and its bounds: 2, or 3 where one of them would look like 1 and is not."""
    return 3 if any(value is not None and value != 1 and round(value, 2) == 1 for value in values) else 2


def share_text(share: float) -> str:
    """A difference as per cent: ``1.3 %``, with a second digit behind the point below 1."""
    percent = 100 * share
    return f"{percent:.0f} %" if percent >= 9.95 else f"{percent:.1f} %" if percent >= 0.995 else f"{percent:.2f} %"


def ratio_text(ratio: Interval) -> str:
    """``1.31x [1.28, 1.34]``, or ``1.31x`` where there is no interval."""
    digits = ratio_decimals(ratio.value, ratio.low, ratio.high)
    if ratio.low is None or ratio.high is None:
        return f"{ratio.value:.{digits}f}x"
    return f"{ratio.value:.{digits}f}x [{ratio.low:.{digits}f}, {ratio.high:.{digits}f}]"
