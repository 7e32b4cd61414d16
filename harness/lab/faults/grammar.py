"""The words of a fault: ``NAME[=VALUE][@WHEN[,WHEN]...]``, as in ``cut@after:4096`` or ``state=offline@in:2,for:5``.

in:SECONDS    begins that much later             at:TEXT      begins before the first command that holds TEXT
for:SECONDS   ends that much after it began      after:BYTES  begins when that many bytes have gone to the host
on:TEXT       only commands that hold TEXT       times:N      ends when it has happened N times

``at``, ``in`` and ``after`` exclude each other; without one a fault begins at once. ``on`` is for faults of commands,
``times`` for these and for those that are over at once. A pushed or pulled file is the command ``push PATH`` or
``pull PATH``. A value may hold an @ where a time follows: what stands behind the last @ is the time.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from harness.errors import UsageError

BEGINNINGS = ("in", "at", "after")
_LONGEST_S = 86400.0
_MOST = 1 << 40
_NAME = re.compile(r"[a-z0-9-]+")


@dataclass(frozen=True)
class When:
    """From when to when a fault is on, and what it touches."""

    in_s: float = 0.0
    at: str = ""
    after_bytes: int = 0
    for_s: float = 0.0
    on: str = ""
    times: int = 0

    @property
    def is_triggered(self) -> bool:
        """Whether what the phone's adbd sees begins it."""
        return bool(self.at or self.after_bytes)


@dataclass(frozen=True)
class Words:
    """A fault as it was asked for, before anybody knows whether there is one of that name."""

    name: str
    value: str | None
    when: When


def split(text: str) -> Words:
    """Reads a fault. Raises UsageError with the form."""
    head, mark, tail = text.rpartition("@")
    if not mark:
        head, tail = tail, ""
    name, equals, value = head.partition("=")
    if not _NAME.fullmatch(name):
        raise _wrong(text, "a fault begins with its name")
    return Words(name, value if equals else None, _when(text, tail.split(",") if mark else []))


def _when(text: str, parts: list[str]) -> When:
    found: dict[str, str] = {}
    for part in parts:
        key, colon, value = part.partition(":")
        if not colon or not value or key in found:
            raise _wrong(text, f"{part!r} is no time of its own")
        found[key] = value
    begins = [key for key in BEGINNINGS if key in found]
    if len(begins) > 1:
        raise _wrong(text, f"{' and '.join(begins)} exclude each other")
    when = When(
        in_s=_seconds(text, found.pop("in", "0")),
        at=found.pop("at", ""),
        after_bytes=_count(text, found.pop("after", "0")),
        for_s=_seconds(text, found.pop("for", "0")),
        on=found.pop("on", ""),
        times=_count(text, found.pop("times", "0")),
    )
    if found:
        raise _wrong(text, f"unknown: {', '.join(found)}")
    return when


def _seconds(text: str, value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= _LONGEST_S:
        raise _wrong(text, f"{value!r} is no number of seconds up to a day")
    return seconds


def _count(text: str, value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) <= 13 and int(value) <= _MOST):
        raise _wrong(text, f"{value!r} is no whole number")
    return int(value)


def _wrong(text: str, why: str) -> UsageError:
    return UsageError(
        f"fault {text!r}: {why}",
        "A fault is NAME[=VALUE][@WHEN,...] with WHEN in:S, at:TEXT, after:BYTES, for:S, on:TEXT or times:N. "
        "See: harness lab fault --list",
    )
