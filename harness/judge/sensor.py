"""What a sensor's readings over a run can tell."""

from __future__ import annotations

from collections.abc import Iterable


def is_frozen(readings: Iterable[float]) -> bool:
    """No two readings differ though the load did: the sensor is unknown, not cool. So is one that was read once."""
    return len(set(readings)) <= 1
