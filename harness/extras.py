"""Packages that few commands need, and that are installed on demand: the extra ``history`` of pyproject.toml."""

from __future__ import annotations

import shlex
import sys
from importlib import import_module
from types import ModuleType

from harness.errors import UsageError

HISTORY = ("duckdb>=2", "ruptures>=1.1.10")  # as in pyproject.toml


def needed(module: str, what: str) -> ModuleType:
    """That module. Raises UsageError with the command that installs it; ``what``: that needs it."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != module:
            raise
        packages = shlex.join(HISTORY)
        raise UsageError(
            f"{what} needs the package {module}, which is not installed",
            f"install what is missing: {shlex.quote(sys.executable)} -m pip install {packages}",
        ) from error
