"""Files of the state folder that are damaged: never trusted, never fatal, kept for whoever wants to look at them."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path


def put_aside(file: Path, instead: str, say: Callable[[str], None] | None = None) -> None:
    """Renames a damaged file; ``say`` is told, with what it is taken for (``instead``)."""
    aside = file.with_name(f"{file.name}.damaged.{time.time_ns()}")
    try:
        file.rename(aside)
        kept = f"kept as {aside.name}"
    except OSError as error:
        kept = f"it cannot be put aside: {error.strerror or error}"
    if say is not None:
        say(f"{file} is damaged: {instead}, {kept}")
