"""Where the tool's own files lie: in a checkout beside the package, in an installed wheel inside it."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryFile

from harness.errors import InfrastructureError

_PACKAGE = Path(__file__).resolve().parent
_REMEDY_OF_CHECKOUT = "mend it, or install the tool, which then builds in $XDG_CACHE_HOME/harness"


def shown_path(path: Path) -> str:
    """A path as seen from the current folder, where it lies in it."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


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
    return _made(state_root() / name, "state folder", "XDG_STATE_HOME")


def check_folders() -> None:
    """Makes and tries the folders that every measurement needs. Raises InfrastructureError that names the variable.

    Called before anything is compiled: a minute later the reason would come as that of a compiler, or of a device.
    """
    _tried(_made(state_root(), "state folder", "XDG_STATE_HOME"), "state folder", "XDG_STATE_HOME")
    check_build_folder()


def check_build_folder() -> None:
    """The part of check_folders() that a build needs."""
    variable = "" if in_checkout() else "XDG_CACHE_HOME"
    _tried(_made(build_root(), "build folder", variable), "build folder", variable)


def _made(folder: Path, what: str, variable: str) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(folder, what, variable, "made", error) from error
    return folder


def _tried(folder: Path, what: str, variable: str) -> None:
    """By writing: permissions alone don't tell of read-only and full disks."""
    try:
        with TemporaryFile(dir=folder) as file:
            file.write(b"x" * 4096)
            file.flush()
    except OSError as error:
        raise _unusable(folder, what, variable, "written", error) from error


def _unusable(folder: Path, what: str, variable: str, done: str, error: OSError) -> InfrastructureError:
    return InfrastructureError(
        f"the {what} {folder} cannot be {done}: {error.strerror or error}{_owner(folder)}",
        f"mend it, or set {variable} to a folder of yours" if variable else _REMEDY_OF_CHECKOUT,
    )


def _owner(folder: Path) -> str:
    """Whose folder it is, where it is another user's: the usual reason after sudo."""
    nearest = next((path for path in (folder, *folder.parents) if os.path.exists(path)), None)  # noqa: PTH110  no error
    try:
        uid = os.getuid() if nearest is None else nearest.stat().st_uid
    except OSError:
        return ""
    if uid in (os.getuid(), 0):
        return ""
    return f" ({nearest} belongs to user {uid}, this is user {os.getuid()})"


def _xdg(variable: str, default: str) -> Path:
    value = os.environ.get(variable, "")
    if value.startswith("/"):
        return Path(value)
    home = user_home()
    if home is None:
        raise InfrastructureError(
            f"no home folder: HOME is {os.environ.get('HOME') or 'not set'}", f"set {variable} to a folder of yours"
        )
    return home / default


def user_home() -> Path | None:
    """The user's home folder; None where nothing tells it."""
    try:
        home = Path.home()
    except RuntimeError:  # no HOME, and a user whom the system's list does not have
        return None
    return home if home.is_absolute() and os.environ.get("HOME", "/") else None
