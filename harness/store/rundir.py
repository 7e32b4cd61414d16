"""The run directory (CONTRACT, section 4): its paths, its making, its lock, its manifest."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from harness.errors import InfrastructureError, UsageError
from harness.store.journal import EventLog, append_bytes, write_atomically

SCHEMA = 1


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


@dataclass(frozen=True)
class RunDir:
    """A run directory."""

    path: Path

    @property
    def run_id(self) -> str:
        return str(self.manifest()["run"])

    def device(self, name: str, serial: str = "") -> DeviceDir:
        """The folder of the device with that slug; ``serial`` is what its events must not tell."""
        if not re.fullmatch(r"[a-z0-9-]+", name):
            raise InfrastructureError(f"{self.path}: {name!r} is no device name", "the manifest was damaged")
        return DeviceDir(self.path / "devices" / name, serial)

    def manifest(self) -> dict[str, Any]:
        """The manifest; raises UsageError where the folder is no run directory."""
        file = self.path / "manifest.json"
        try:
            value = json.loads(file.read_bytes())
        except OSError as error:
            raise UsageError(
                f"{self.path} is no run directory: {file.name}: {error.strerror or error}",
                "name a folder that `harness run` made, for example runs/latest",
            ) from error
        except ValueError as error:
            raise UsageError(f"{file} is damaged: {error}", "the run cannot be read; measure again") from error
        if not isinstance(value, dict) or value.get("schema") != SCHEMA:
            raise UsageError(f"{file}: not of schema {SCHEMA}", "use the version of the tool that wrote it")
        return value

    def write_manifest(self, manifest: dict[str, Any]) -> None:
        """Replaces the manifest atomically."""
        data = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
        write_atomically(self.path / "manifest.json", data.encode("utf-8"))

    def update_manifest(self, **fields: Any) -> None:
        """Changes some fields of the manifest."""
        self.write_manifest({**self.manifest(), **fields})

    def add_jobs(self, jobs: list[dict[str, Any]]) -> None:
        """Appends lines to plan.jsonl, all of them or none."""
        lines = "".join(json.dumps(job, separators=(",", ":")) + "\n" for job in jobs)
        append_bytes(self.path / "plan.jsonl", lines.encode("utf-8"))

    def lock(self) -> FileLock:
        """Held while a run writes here; raises UsageError where another one does."""
        lock = FileLock(self.path / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise UsageError(
                f"{self.path} is being written by another harness run", "wait until it ends, or stop it"
            ) from error
        except OSError as error:
            raise _unwritable(self.path, error) from error
        return lock


def new_run_dir(out: Path | None, suite: str) -> RunDir:
    """Makes the run directory: ``out`` (absent or empty), else ./runs/<UTC time>-<suite>.

    Raises UsageError where ``out`` is not empty or may not be written.
    """
    if out is not None:
        path = out
        try:
            path.mkdir(parents=True, exist_ok=True)
            occupied = any(path.iterdir())
        except OSError as error:
            raise _unwritable(path, error) from error
        if occupied:
            raise UsageError(f"--out {path}: the folder is not empty", "name a new one, or use --resume to go on")
        if not os.access(path, os.W_OK | os.X_OK):
            raise UsageError(f"--out {path}: no permission to write", "name a folder of your own")
        return RunDir(path.resolve())
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    runs = Path.cwd() / "runs"
    for suffix in ("", *(f"-{n}" for n in range(2, 100))):
        path = runs / f"{stamp}-{suite}{suffix}"
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise _unwritable(path, error) from error
        return RunDir(path)
    raise UsageError(f"{runs}: no free name for a run", "name one with --out DIR")


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
    """Folder names for (model, serial) pairs: a slug of the model, with a hash of the serial where two are alike."""
    slugs = [slug(model) for model, _ in models]
    return [
        f"{name}-{sha256(serial.encode()).hexdigest()[:6]}" if slugs.count(name) > 1 else name
        for name, (_, serial) in zip(slugs, models, strict=True)
    ]


def _unwritable(path: Path, error: OSError) -> UsageError:
    return UsageError(f"cannot write {path}: {error.strerror or error}", "name a folder of your own with --out DIR")
