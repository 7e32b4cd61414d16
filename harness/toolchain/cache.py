"""The build cache: results by a hash of everything that goes into them, published atomically."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from harness.digest import sha256_of

PROGRAM = "convbench"
LIBRARY = "libindirectconv.a"
RECORD = "build.json"
_SOURCE_SUFFIXES = {".c", ".h", ".S", ".s", ".inc", ".cmake", ".txt", ".json", ".def"}
_KEPT = 12


def sources_hash(roots: list[Path]) -> str:
    """SHA-256 (hex) over names and contents of the source files below ``roots``, but of tests and examples."""
    digest = hashlib.sha256()
    for root in roots:
        for path in sorted(root.rglob("*")):
            name = path.relative_to(root)
            if path.suffix not in _SOURCE_SUFFIXES or name.parts[0] in ("tests", "examples") or not path.is_file():
                continue
            data = path.read_bytes()
            digest.update(f"{root.name}/{name.as_posix()}\0{len(data)}\0".encode())
            digest.update(data)
    return digest.hexdigest()


def key(parts: dict[str, Any]) -> str:
    """The cache key (24 hex digits) of JSON-ready ``parts``."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:24]


@contextmanager
def lock(root: Path, say: Callable[[str], None], name: str = ".lock") -> Iterator[None]:
    """Only one process builds or publishes at a time; others say that they wait for it.

    ``name``: of the lock's file.
    """
    root.mkdir(parents=True, exist_ok=True)
    held = FileLock(root / name)
    try:
        held.acquire(timeout=0.2)
    except Timeout:
        say("waiting for another build to end")
        held.acquire()
    try:
        yield
    finally:
        held.release()


def look_up(root: Path, name: str) -> dict[str, Any] | None:
    """The record of a cached build whose files are whole; None otherwise."""
    folder = root / "cache" / name
    record = whole_record(folder)
    if record is not None:
        with suppress(OSError):
            os.utime(folder)  # prune() drops what was not used for longest
    return record


def whole_record(folder: Path) -> dict[str, Any] | None:
    """The record of the build that lies in a folder; None where it is damaged, or files differ from it."""
    try:
        record: dict[str, Any] = json.loads((folder / RECORD).read_text("utf-8"))
        whole = bool(record["build_id"])
        whole &= all(sha256_of(folder / file) == record["sha256"][file] for file in (PROGRAM, LIBRARY))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return record if whole else None


def store(root: Path, name: str, made: Path, record: dict[str, Any]) -> dict[str, Any]:
    """Moves program and library from the folder ``made`` into the cache; returns the record with their hashes."""
    cache = root / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".new-", dir=cache))
    try:
        staging.chmod(0o755)
        for file in (PROGRAM, LIBRARY):
            shutil.copy2(made / file, staging / file)
        record = {**record, "sha256": {file: sha256_of(staging / file) for file in (PROGRAM, LIBRARY)}}
        (staging / RECORD).write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", "utf-8")
        shutil.rmtree(cache / name, ignore_errors=True)
        staging.rename(cache / name)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    prune(cache)
    return record


def publish(root: Path, name: str, folder: str) -> Path:
    """Puts a cached build under its public name, e.g. build/host/; each file is replaced atomically, if it differs."""
    target = root / folder
    target.mkdir(parents=True, exist_ok=True)
    for file in (LIBRARY, RECORD, PROGRAM):
        source, final = root / "cache" / name / file, target / file
        if (
            final.is_file()
            and sha256_of(final) == sha256_of(source)
            and os.access(final, os.X_OK) == os.access(source, os.X_OK)
        ):
            continue
        temporary = target / f".{file}.{os.getpid()}"
        shutil.copy2(source, temporary)
        temporary.replace(final)
    return target


def prune(cache: Path) -> None:
    """Keeps the builds used last, and drops the rest."""
    entries = sorted((p for p in cache.iterdir() if p.is_dir()), key=lambda p: p.stat().st_mtime, reverse=True)
    for old in entries[_KEPT:]:
        shutil.rmtree(old, ignore_errors=True)
