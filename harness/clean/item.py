"""One thing that `harness clean` may remove: where it lies, how old and large it is, or why it stays."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

_GOING = ".removed-"  # how what is being removed is called meanwhile


def _nothing() -> str:
    return ""


@dataclass(frozen=True)
class Item:
    """A file or folder of the tool. What takes time to find out is asked for when it matters."""

    kind: str  # runs, cache or state
    name: str
    path: Path
    changed: float  # time of the last change, seconds since the epoch
    stays: Callable[[], str] = _nothing  # why it is not removed by age alone
    held: Callable[[], str] = _nothing  # who uses it just now: then it is not removed by name either

    @property
    def is_left_over(self) -> bool:
        """Whether a removal that was killed has left it."""
        return self.path.name.startswith(_GOING)

    @property
    def names(self) -> tuple[str, ...]:
        """What a user may call it."""
        return (self.name, str(self.path))


def size_of(path: Path) -> int:
    """Bytes of a file, or of all below a folder; links count for themselves, a file with several names once."""
    seen: set[tuple[int, int]] = set()
    total = 0
    for entry in _below(path):
        found = _status(entry)
        if found is None or stat.S_ISDIR(found.st_mode) or (found.st_dev, found.st_ino) in seen:
            continue
        if found.st_nlink > 1:
            seen.add((found.st_dev, found.st_ino))
        total += found.st_size
    return total


def changed(path: Path) -> float:
    """When the path, or what lies in the folder, was changed last."""
    paths = [path, *path.iterdir()] if is_folder(path) else [path]
    return max((found.st_mtime for each in paths if (found := _status(each)) is not None), default=0.0)


def is_folder(path: Path) -> bool:
    """Whether it is a folder and no link to one."""
    found = _status(path)
    return found is not None and stat.S_ISDIR(found.st_mode)


def is_file(path: Path) -> bool:
    """Whether it is a plain file and no link to one."""
    found = _status(path)
    return found is not None and stat.S_ISREG(found.st_mode)


def left_over(folder: Path) -> Iterator[Path]:
    """What an earlier removal that was killed has left in a folder."""
    return (path for path in sorted(folder.glob(f"{_GOING}*")) if is_folder(path)) if is_folder(folder) else iter(())


def remove(path: Path) -> None:
    """Removes a file, or a folder with all in it; links are removed, never followed. Raises OSError.

    A folder goes under another name first: whoever is killed in between leaves no half of a run that looks like one.
    """
    if not is_folder(path):
        path.unlink()
        return
    going = path if path.name.startswith(_GOING) else path.with_name(f"{_GOING}{os.getpid()}-{path.name}"[:200])
    if going != path:
        path.rename(going)
    shutil.rmtree(going)


def _below(path: Path) -> Iterator[Path]:
    if not is_folder(path):
        yield path
        return
    for folder, folders, files in os.walk(path):  # follows no links
        yield from (Path(folder) / name for name in (*files, *folders))


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except OSError:
        return None
