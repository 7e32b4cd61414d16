"""Tuned tables of a run: found where ``harness tune`` put them, kept in the run directory, the same when it resumes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

from harness.devices.base import Device
from harness.errors import DeviceError, UsageError
from harness.measure.clusters import planned
from harness.measure.request import Request
from harness.store.journal import write_atomically
from harness.store.rundir import RunDir

Tables = dict[str, dict[str, bytes]]  # by device and cluster

FIRST_WORD = b"indirectconv-tuned "  # of a table's text (native/src/choice/tuned_text.h)
_VERSION_1 = b"1"

_REMEDY = "make tables with `harness tune --out DIR` on the same devices, and name that folder"


def table_file(folder: Path, device: str, cluster: str) -> Path:
    """Where ``harness tune --out FOLDER`` puts a cluster's table."""
    return folder / device / f"{cluster}.tuned"


def check_tuned(request: Request) -> None:
    """Looks at --tuned alone, before any device is. Raises UsageError where it names no folder."""
    if request.tuned is None:
        return
    if not request.tuned.is_dir():
        what = "is no folder" if request.tuned.exists() else "there is no such folder"
        raise UsageError(f"--tuned {request.tuned}: {what}", _REMEDY)


def find_tables(request: Request, devices: Sequence[tuple[str, Device]], say: Callable[[str], None]) -> Tables:
    """The tables for the clusters to measure; says which have none.

    Raises UsageError where none has one, or one cannot be read or is of version 1.
    """
    if request.tuned is None:
        return {}
    found: Tables = {}
    without: list[str] = []
    for name, device in devices:
        try:
            labels = [cluster.label for cluster in planned(device.topology(), request.cpus)]
        except DeviceError:  # its session will say so
            continue
        for label in labels:
            file = table_file(request.tuned, name, label)
            try:
                table = file.read_bytes()
            except FileNotFoundError:
                without.append(f"{name}/{label}.tuned")
            except OSError as error:
                raise UsageError(f"--tuned: {file}: {error.strerror}", "mend its permissions, or tune again") from error
            else:
                _check_version(file, table)
                found.setdefault(name, {})[label] = table
    found = {name: tables for name, tables in found.items() if tables}
    if not found:
        there = f", it lacks {', '.join(without)}" if without else ""
        raise UsageError(f"--tuned {request.tuned}: no table for any cluster to be measured{there}", _REMEDY)
    for place in without:
        say(f"--tuned {request.tuned}: no {place}: there `auto` goes by the model")
    return found


def _check_version(file: Path, table: bytes) -> None:
    """What is no table at all is left to the library, which says so on the device and chooses by its model."""
    words = table.split(maxsplit=2)
    if table.startswith(FIRST_WORD) and len(words) > 1 and words[1] == _VERSION_1:
        raise UsageError(
            f"--tuned: {file}: a tuned table of version 1: version 0.1 of this tool reads it, tune again with this one"
        )


def keep_tables(run: RunDir, tables: Tables) -> dict[str, dict[str, str]]:
    """Copies the tables into the run directory; their SHA-256, for the manifest."""
    for name, label, data in ((name, label, data) for name, of in tables.items() for label, data in of.items()):
        write_atomically(run.device(name).table(label), data)
    return {name: {label: sha256(data).hexdigest() for label, data in of.items()} for name, of in tables.items()}


def check_kept(run: RunDir) -> None:
    """Raises UsageError where a table of the run is not what it was: half a run by another one cannot be compared."""
    for name, of in run.manifest().tuned.items():
        for label, expected in of.items():
            file = run.device(name).table(label)
            try:
                what = "" if sha256(file.read_bytes()).hexdigest() == expected else "is not the table that was used"
            except OSError as error:
                what = error.strerror or str(error)
            if what:
                raise UsageError(f"{file}: {what}", f"put back the one with SHA-256 {expected}, or start a new run")


def kept_table(run: RunDir, name: str, label: str) -> Path | None:
    """The run's table for a cluster of a device."""
    return run.device(name).table(label) if label in run.manifest().tuned.get(name, {}) else None
