"""The build cache: builds, zig's own cache, compiled templates; what a killed build or a killed run on `local` left."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from filelock import FileLock, Timeout

from harness.clean.item import Item, changed, is_file, is_folder, left_over, remove
from harness.control.holder import Holder
from harness.control.orphans import OWNER
from harness.devices.local import LocalDevice
from harness.measure.device_folder import programs_of
from harness.measure.other_builds import REVISION
from harness.paths import build_root
from harness.toolchain.cache import PROGRAM

KIND = "cache"
_RUNS = "work"
_LARGEST_OWNER = 4096


def items() -> Iterator[Item]:
    """What lies in the cache's folders; a build that goes on holds all of them."""
    root = build_root()
    for path in _paths(root):
        yield Item(KIND, str(path.relative_to(root)), path, changed(path), held=partial(_held, root))
    work = root / _RUNS
    for path in sorted(work.glob("harness-*")) if is_folder(work) else []:
        if is_folder(path):
            stays = "a run on `local` was killed and may be resumed: it holds what was not taken over"
            is_run = path.name[len("harness-") :][:1].isdigit()
            why = partial(str, stays if is_run else "")
            yield Item(KIND, f"{_RUNS}/{path.name}", path, changed(path), why, partial(_runs_in, path))


def _paths(root: Path) -> Iterator[Path]:
    cache = root / "cache"
    if is_folder(cache):
        yield from (path for path in sorted(cache.iterdir()) if is_folder(path))
    if is_folder(root):
        for left in ("make-*", f"{REVISION}*"):
            yield from (path for path in sorted(root.glob(left)) if is_folder(path))
        yield from left_over(root)
    yield from (root / name for name in ("zig-cache", "templates") if is_folder(root / name))


def take_away(item: Item) -> None:
    """Removes it, unless a build goes on by now. Raises OSError."""
    if item.name.startswith(f"{_RUNS}/"):
        remove(item.path)
        return
    with FileLock(build_root() / ".lock").acquire(timeout=10):
        remove(item.path)


def _held(root: Path) -> str:
    if not is_file(root / ".lock"):
        return ""
    try:
        FileLock(root / ".lock").acquire(timeout=0).lock.release()
    except Timeout:
        return "a build is going on"
    except OSError:
        return ""
    return ""


def _runs_in(folder: Path) -> str:
    """A living run's folder is its own between two programs too."""
    owner = Holder.parse(_read(folder / OWNER))
    if owner is not None and owner.is_alive:
        return f"it is in use by a run (process {owner.pid})"
    return "a program of it is running" if programs_of(LocalDevice(), str(folder / PROGRAM)) else ""


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            return stream.read(_LARGEST_OWNER)
    except OSError:
        return b""
