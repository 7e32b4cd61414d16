"""The run directory (docs/formats.md): its paths, its making, its lock, its manifest."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from pydantic import ValidationError

from harness import __version__
from harness.errors import InfrastructureError, UsageError
from harness.store.journal import EventLog, append_bytes, write_atomically
from harness.store.ledger import Ledger
from harness.store.manifest import VERSION, Manifest, resume_command

_LOCK = ".lock"
DEVICE_FILE = (  # a regular expression: what the folder of a device has, and nothing else
    r"(?:device\.json|(?:records|events|settings)\.jsonl|plans/[0-9,-]{1,200}(?:\.[0-9]{1,6}\.plan|\.tuned))"
)
ABOUT_BUNDLE = "bundle.json"  # in what was unpacked of a bundle, and nowhere else


@dataclass(frozen=True)
class DeviceDir:
    """The folder of one device in a run directory. ``serial``, where known, is kept out of the events."""

    path: Path
    serial: str = ""

    @property
    def records(self) -> Path:
        return self.path / "records.jsonl"

    @property
    def settings(self) -> Path:
        return self.path / "settings.jsonl"

    @property
    def identity(self) -> Path:
        return self.path / "device.json"

    @property
    def events(self) -> EventLog:
        return EventLog(self.path / "events.jsonl", self.serial, self.path.name)

    def plan(self, cluster: str, attempt: int) -> Path:
        """The plan file of one attempt at one cluster."""
        return self.path / "plans" / f"{cluster}.{attempt}.plan"

    def table(self, cluster: str) -> Path:
        """The tuned table that every attempt at one cluster loads, where the manifest names one."""
        return self.path / "plans" / f"{cluster}.tuned"


@dataclass(frozen=True)
class RunDir:
    """A run directory."""

    path: Path

    @property
    def run_id(self) -> str:
        return self.manifest().run

    @cached_property
    def ledger(self) -> Ledger:
        """What is planned, and what of it is on record."""
        return Ledger(self.path)

    def device(self, name: str, serial: str = "") -> DeviceDir:
        """The folder of the device with that slug; ``serial`` is what its events must not tell."""
        if not re.fullmatch(r"[a-z0-9-]+", name):
            raise InfrastructureError(f"{self.path}: {name!r} is no device name", "the manifest was damaged")
        return DeviceDir(self.path / "devices" / name, serial)

    def manifest(self) -> Manifest:
        """The manifest; raises UsageError where the folder is no run directory."""
        file = self.path / "manifest.json"
        try:
            data = file.read_bytes()
            self._refuse_other_version(data)
            return Manifest.model_validate_json(data)
        except OSError as error:
            raise UsageError(
                f"{self.path} is no run directory: {file.name}: {error.strerror or error}",
                "name a folder that `harness run` made, for example runs/latest",
            ) from error
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"])) or "the file"
            raise UsageError(
                f"{file} is damaged: {where}: {first['msg']}", "put back a copy of it, or measure again"
            ) from error

    def _refuse_other_version(self, manifest: bytes) -> None:
        try:
            value = json.loads(manifest)
        except (ValueError, RecursionError):
            return  # damaged: told by who reads it
        reader = Manifest.reader_of(value)
        if reader is not None:
            raise UsageError(
                f"{self.path} is a run directory of version {value['schema']}: {reader} reads it, this is harness "
                f"{__version__}, which reads version {VERSION}",
                f"use {reader}, or measure again",
            )

    def write_manifest(self, manifest: Manifest) -> None:
        """Replaces the manifest atomically."""
        data = json.dumps(manifest.model_dump(mode="json", by_alias=True), indent=2) + "\n"
        write_atomically(self.path / "manifest.json", data.encode("utf-8"))

    def update_manifest(self, **fields: Any) -> None:
        """Changes some fields of the manifest."""
        self.write_manifest(self.manifest().model_copy(update=fields))

    def resume_command(self) -> str:
        """What goes on with it, as far as its manifest tells that."""
        try:
            scheduler = self.manifest().scheduler
        except UsageError:
            scheduler = None
        return resume_command(self.path, scheduler)

    def add_jobs(self, jobs: list[dict[str, Any]]) -> None:
        """Appends lines to plan.jsonl, all of them or none."""
        if not jobs:
            return
        lines = "".join(json.dumps(job, separators=(",", ":")) + "\n" for job in jobs)
        append_bytes(self.path / "plan.jsonl", lines.encode("utf-8"))

    def lock(self) -> FileLock:
        """Held while a run writes here; raises UsageError where another one does."""
        lock = FileLock(self.path / _LOCK)
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise UsageError(
                f"{self.path} is being written by another harness run", "wait until it ends, or stop it"
            ) from error
        except OSError as error:
            raise _unwritable(self.path, error) from error
        return lock

    def is_being_written(self) -> bool:
        """Whether a run writes here just now, as far as that can be told."""
        file = self.path / _LOCK
        if not file.exists():
            return False
        lock = FileLock(file)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return True
        except OSError:
            return False
        lock.release()
        return False


@contextmanager
def new_run_dir(out: Path | None, suite: str) -> Iterator[RunDir]:
    """Makes the run directory, locked within the block: ``out`` (absent or empty), else ./runs/<UTC time>-<suite>.

    What was made is removed again where the block fails before it wrote anything. Raises UsageError where ``out`` is
    not empty or may not be written.
    """
    had_runs = runs_folder().exists()
    path, ours = _made(out) if out is not None else (_fresh(suite), True)
    lock = RunDir(path).lock()
    try:
        if not _empty(path):
            raise UsageError(f"--out {out}: the folder is not empty", "name a new one, or use --resume to go on")
        yield RunDir(path)
    finally:
        lock.release()
        if _empty(path):
            (path / _LOCK).unlink(missing_ok=True)
            with suppress(OSError):
                path.rmdir() if ours else None
                runs_folder().rmdir() if out is None and not had_runs else None


def _made(out: Path) -> tuple[Path, bool]:
    """The folder of --out, and whether it was made just now."""
    try:
        ours = not out.exists()
        out.mkdir(parents=True, exist_ok=True)
        empty = _empty(out)
    except OSError as error:
        raise _unwritable(out, error) from error
    if not empty:
        raise UsageError(f"--out {out}: the folder is not empty", "name a new one, or use --resume to go on")
    return out.resolve(), ours


def runs_folder() -> Path:
    """Where runs go that --out names no folder for."""
    return Path.cwd() / "runs"


def _fresh(suite: str) -> Path:
    """A new folder under ./runs, named by the time."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    runs = runs_folder()
    for suffix in ("", *(f"-{n}" for n in range(2, 100))):
        path = runs / f"{stamp}-{suite}{suffix}"
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise _unwritable(path, error) from error
        return path
    raise UsageError(f"{runs}: no free name for a run", "name one with --out DIR")


def _empty(path: Path) -> bool:
    return all(entry.name == _LOCK for entry in path.iterdir())


def point_latest(run: RunDir) -> None:
    """Lets runs/latest point to the run, where it lies in a folder ``runs``; a failure is of no consequence."""
    if run.path.parent.name != "runs":
        return
    link, temporary = run.path.parent / "latest", run.path.parent / f".latest.{os.getpid()}"
    try:
        if link.is_symlink() or not link.exists():
            temporary.symlink_to(run.path.name)
            temporary.replace(link)
    except OSError:
        temporary.unlink(missing_ok=True)


def slug(text: str) -> str:
    """Letters, digits and single dashes of an untrusted text, at most 40; ``device`` where none is left."""
    cut = re.sub(r"[^a-z0-9]+", "-", text.lower())[:40].strip("-")
    return cut or "device"


def device_names(models: list[tuple[str, str]]) -> list[str]:
    """Folder names for (model, key) pairs: a slug of the model, with a hash of the phone's key where two are alike."""
    slugs = [slug(model) for model, _ in models]
    return [
        f"{name}-{sha256(key.encode('utf-8', 'surrogateescape')).hexdigest()[:6]}" if slugs.count(name) > 1 else name
        for name, (_, key) in zip(slugs, models, strict=True)
    ]


def _unwritable(path: Path, error: OSError) -> UsageError:
    return UsageError(f"cannot write {path}: {error.strerror or error}", "name a folder of your own with --out DIR")
