"""The conditions that a device's results are stamped with, off its events. Nothing in them is trusted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,39}")
_LONGEST = 500
_MOST = 40


@dataclass(frozen=True)
class Stamp:
    """A condition under which numbers were measured. ``usual``: so common that rows are not marked with it."""

    name: str
    what: str
    why: str
    remedy: str
    usual: bool


def read_stamps(events: Iterable[Mapping[str, Any]]) -> list[Stamp]:
    """Those of all attempts, each name once as it was seen first; what has no name that one can have is left out."""
    found: dict[str, Stamp] = {}
    for event in events:
        name = event.get("name")
        if event.get("event") == "condition" and isinstance(name, str) and _NAME.fullmatch(name):
            what, why, remedy = (_line(event.get(key)) for key in ("what", "why", "remedy"))
            found.setdefault(name, Stamp(name, what, why, remedy, event.get("usual") is True))
    return list(found.values())[:_MOST]


def _line(value: object) -> str:
    """A text on one line, cut."""
    return " ".join(str(value or "").split())[:_LONGEST]
