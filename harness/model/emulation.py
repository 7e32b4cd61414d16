"""The mark of an emulated device: its times say nothing about any phone."""

from __future__ import annotations

_EMULATED = "EMULATED"


def mark_of(emulated: bool) -> str:
    """What stands beside figures of a device: EMULATED where its CPU is, else nothing."""
    return _EMULATED if emulated else ""
