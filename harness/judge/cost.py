"""What evidence may cost."""

from __future__ import annotations

_MOST = 0.02  # of the time of measuring: docs/measuring.md


def is_dear(share: float) -> bool:
    """Whether it takes more of the time than it may."""
    return share > _MOST
