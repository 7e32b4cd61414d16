"""Packages that few commands need, and that are installed on demand: the extras of pyproject.toml."""

from __future__ import annotations

import shlex
import sys
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from harness.errors import UsageError

# As in pyproject.toml.
HISTORY = ("duckdb>=2", "ruptures>=1.1.10")
HOSTS = ("cryptography>=45", "distributed>=2026.8")


def needed(module: str, what: str) -> ModuleType:
    """That package, or a module of it. Raises UsageError with the command that installs it; ``what``: that needs it."""
    package = module.partition(".")[0]
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        raise _absent(package, what) from error


def check_there(module: str, what: str) -> None:
    """Raises the same UsageError without loading it: before something that takes long."""
    if find_spec(module) is None:
        raise _absent(module, what)


def _absent(module: str, what: str) -> UsageError:
    extra = HOSTS if any(package.startswith(module) for package in HOSTS) else HISTORY
    return UsageError(
        f"{what} needs the package {module}, which is not installed",
        f"install what is missing: {shlex.quote(sys.executable)} -m pip install {shlex.join(extra)}",
    )
