"""The mark of an emulated device: its times say nothing about any phone."""

from __future__ import annotations

_EMULATED = "EMULATED"


def mark_of(emulated: bool) -> str:
    """What stands beside figures of a device: EMULATED where its CPU is, else nothing."""
    return _EMULATED if emulated else ""


def marked(mark: str, text: str) -> str:
    """A line with the mark of its device before it, where it has one: ``[EMULATED] Pixel 3``."""
    return f"[{mark}] {text}" if mark else text
