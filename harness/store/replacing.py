"""A device's folder of a run directory is replaced as a whole, also where a kill comes between."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from harness.errors import HarnessError, InfrastructureError
from harness.store.rundir import RunDir

INCOMING = ".incoming"  # in the run directory: what is not whole yet, and what is being replaced


def replace_folder(run: RunDir, name: str, files: Mapping[str, Path], kept: Mapping[str, Path] | None = None) -> None:
    """Makes these files the device's folder: it is the old or the new one at every moment but one, which ``recover``
    mends.

    ``files``: by their names in it; they are moved. ``kept``: further ones, which are copied. Raises
    InfrastructureError where it cannot be written.
    """
    target, old = run.device(name).path, run.path / INCOMING / f"{name}.before"
    new = run.path / INCOMING / f"{name}.new"
    try:
        for folder in (old, new):
            shutil.rmtree(folder, ignore_errors=True)
        new.mkdir(parents=True)
        for file, path in (kept or {}).items():
            (new / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, new / file)
        for file, path in files.items():
            (new / file).parent.mkdir(parents=True, exist_ok=True)
            path.replace(new / file)
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            target.replace(old)
        new.replace(target)
    except OSError as error:
        recover(run)
        raise InfrastructureError(
            f"cannot write {target}: {error.strerror or error}", "make room, then go on with --resume"
        ) from error
    shutil.rmtree(old, ignore_errors=True)


def recover(run: RunDir) -> None:
    """Puts back what a killed front end was about to replace, and removes what was not whole.

    For who holds the run directory's lock.
    """
    incoming = run.path / INCOMING
    for old in incoming.glob("*.before"):
        with suppress(HarnessError):
            target = run.device(old.name.removesuffix(".before")).path
            if not target.exists():
                os.replace(old, target)  # noqa: PTH105  folders
    shutil.rmtree(incoming, ignore_errors=True)


def recover_unless_written(run: RunDir) -> None:
    """The same for a reader: nothing is done where a run writes here just now, or nobody may."""
    if not any((run.path / INCOMING).glob("*.before")):
        return
    with suppress(HarnessError, OSError), run.lock():
        recover(run)
