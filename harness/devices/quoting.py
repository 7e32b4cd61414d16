"""Arguments pass the device's shell here, and nowhere else."""

from __future__ import annotations

import shlex
from collections.abc import Sequence


def command(argv: Sequence[str]) -> str:
    """A command line for the device's shell in which every argument is quoted. Raises ValueError for a NUL."""
    if any("\0" in word for word in argv):
        raise ValueError("an argument holds a NUL byte")
    return " ".join(shlex.quote(word) for word in argv)
