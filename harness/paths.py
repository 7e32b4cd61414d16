"""Where the tool's own files lie: in a checkout beside the package, in an installed wheel inside it."""

from __future__ import annotations

import os
from pathlib import Path

from harness.errors import InfrastructureError

_PACKAGE = Path(__file__).resolve().parent


def in_checkout() -> bool:
    """True when the package runs from a source checkout."""
    return (_PACKAGE.parent / "native" / "CMakeLists.txt").is_file()


def data_root() -> Path:
    """The folder that holds native/, ndk/, configs/ and reports/."""
    return _PACKAGE.parent if in_checkout() else _PACKAGE / "_data"


def build_root() -> Path:
    """The build cache: build/ of a checkout, else $XDG_CACHE_HOME/harness."""
    if in_checkout():
        return _PACKAGE.parent / "build"
    return _xdg("XDG_CACHE_HOME", ".cache") / "harness"


def state_root() -> Path:
    """State between runs (baselines, settings to restore): $XDG_STATE_HOME/harness."""
    return _xdg("XDG_STATE_HOME", ".local/state") / "harness"


def state_folder(name: str) -> Path:
    """A folder below state_root(), made where it is absent; "" is state_root() itself. Raises InfrastructureError."""
    folder = state_root() / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InfrastructureError(
            f"the state folder {folder} cannot be made: {error.strerror or error}", "mend it, or set XDG_STATE_HOME"
        ) from error
    return folder


def _xdg(variable: str, default: str) -> Path:
    value = os.environ.get(variable, "")
    return Path(value) if value.startswith("/") else Path.home() / default
