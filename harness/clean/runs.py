"""Run directories of ./runs, and those that are named by their path."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from harness.clean.item import Item, changed, is_file, is_folder, left_over, remove
from harness.errors import HarnessError, UsageError
from harness.measure.run.leftover import nothing_left
from harness.measure.run.manifest import request_of
from harness.store.rundir import RunDir, runs_folder

KIND = "runs"
_MANIFEST = "manifest.json"


def items(names: Sequence[str]) -> Iterator[Item]:
    """All of ./runs; and of ``names`` what is the path of a run directory elsewhere."""
    folder = runs_folder()
    inside = sorted(path for path in folder.iterdir() if is_run(path)) if is_folder(folder) else []
    outside = [path for name in names if (path := _elsewhere(name, inside)) is not None]
    for path in (*inside, *outside):
        name = path.name if path in inside else str(path)
        yield Item(KIND, name, path, changed(path), partial(_stays, path), partial(_held, path))
    for path in left_over(folder):
        yield Item(KIND, path.name, path, 0.0)


def is_run(path: Path) -> bool:
    """Whether a run wrote the folder; a link to one is none."""
    if not is_folder(path) or not is_file(path / _MANIFEST):
        return False
    try:
        value = json.loads((path / _MANIFEST).read_bytes())
    except (OSError, ValueError, RecursionError):
        return is_file(path / "plan.jsonl") or is_folder(path / "devices")  # damaged
    return isinstance(value, dict) and "run" in value and "schema" in value


def _elsewhere(name: str, inside: Sequence[Path]) -> Path | None:
    path = absolute(name)
    if path in inside or name in {run.name for run in inside} or not is_run(path):
        return None
    return path


def take_away(item: Item) -> None:
    """Removes a run, unless a living one has it by now. Raises UsageError, OSError."""
    if item.is_left_over:
        remove(item.path)
        return
    lock = RunDir(item.path).lock()
    try:
        remove(item.path)
    finally:
        lock.release()
    latest = item.path.parent / "latest"
    if latest.is_symlink() and not latest.exists():
        with suppress(OSError):
            latest.unlink()


def _held(path: Path) -> str:
    """Without a lock file there was never a run that could hold it."""
    if not is_file(path / ".lock"):
        return ""
    try:
        RunDir(path).lock().release()
    except UsageError:
        return "a run is writing it"
    return ""


def _stays(path: Path) -> str:
    run = RunDir(path)
    try:
        kept = run.manifest()
        if kept.status == "done" and kept.exit_code == 0:
            return ""
        return "" if nothing_left(run, request_of(kept, None)) else "it can be resumed, and goes by its name only"
    except HarnessError as error:
        return f"it cannot be told whether it can be resumed ({error.message})"


def absolute(name: str) -> Path:
    """The path that a name is from the current folder, links in it left as they are."""
    return Path(os.path.normpath(Path(name).absolute()))
