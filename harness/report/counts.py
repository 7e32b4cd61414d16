"""Counts, lists and reasons in the words of a weakness."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def share(count: int, total: int) -> str:
    """How many of the samples: ``5 of 80 samples (6 %)``."""
    percent = 100 * count / total
    return f"{count} of {total} samples ({percent:.0f} %)" if percent >= 1 else f"{count} of {total} samples (< 1 %)"


def few(names: Sequence[str], most: int = 4) -> str:
    """The first names, and how many more there are."""
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")


def alike(reasons: Iterable[str]) -> str:
    """Reasons, those that differ in numbers only once, with how often."""
    seen: dict[str, list[str]] = {}
    for reason in reasons:
        seen.setdefault(re.sub(r"[0-9.]+", "0", reason), []).append(reason)
    texts = [group[0] + (f" (and {len(group) - 1} alike)" if len(set(group)) > 1 else "") for group in seen.values()]
    return few(texts)


def celsius(value: float | None) -> str:
    """A temperature, or that it is unknown."""
    return "unknown" if value is None else f"{value:.1f} °C"
