"""Append-only JSON Lines files: events.jsonl and settings.jsonl of a device."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.errors import InfrastructureError

_LOCK = threading.Lock()


def utc_now() -> str:
    """This moment as ISO 8601 in UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def append_line(path: Path, value: dict[str, Any], *, durable: bool = False) -> None:
    """Appends one JSON line; ``durable`` also waits for the disk. Raises InfrastructureError where it cannot."""
    line = json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"
    append_bytes(path, line.encode("utf-8"), durable=durable)


def append_bytes(path: Path, data: bytes, *, durable: bool = False) -> None:
    """Appends bytes in one write. A disk that fills up in between leaves the file as it was."""
    with _LOCK:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                size = os.fstat(descriptor).st_size
                written = os.write(descriptor, data)
                if written != len(data):
                    os.ftruncate(descriptor, size)
                    raise OSError(28, "No space left on device")
                if durable:
                    os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise InfrastructureError(
                f"cannot write {path}: {error.strerror or error}",
                "free some space or mend the permissions, then go on with: harness run --resume RUN",
            ) from error


def read_lines(path: Path) -> list[dict[str, Any]]:
    """All whole lines of a JSON Lines file that hold an object; a cut or damaged line is left out."""
    try:
        with path.open("rb") as file:
            return list(objects(file))
    except OSError:
        return []


def objects(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """What is an object among lines of JSON."""
    for line in lines:
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            yield value


def write_atomically(path: Path, data: bytes | Iterable[bytes], *, durable: bool = False) -> None:
    """Replaces a file so that a reader sees the old or the new one, never a part; ``durable``: on disk on return.

    ``data``: all of it, or its parts. Raises InfrastructureError where it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.writelines([data] if isinstance(data, bytes) else data)
        if durable:
            _sync(temporary)
        temporary.replace(path)
        if durable:
            _sync(path.parent)
    except OSError as error:
        raise InfrastructureError(
            f"cannot write {path}: {error.strerror or error}", "free some space or mend the permissions"
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class EventLog:
    """events.jsonl of one device: life cycle, conditions, retries, cut tails."""

    def __init__(self, path: Path, serial: str = "", name: str = "") -> None:
        """``serial`` is written as ``name`` wherever it stands: serial numbers leave the host in no event."""
        self._path = path
        self._serial, self._name = serial, name

    def add(self, event: str, **fields: Any) -> None:
        """Appends one event with the present time."""
        append_line(self._path, {"utc": utc_now(), "event": event, **self._hidden(fields)})

    def _hidden(self, value: Any) -> Any:
        if isinstance(value, str):
            return value.replace(self._serial, self._name) if self._serial else value
        if isinstance(value, list | tuple):
            return [self._hidden(item) for item in value]
        if isinstance(value, dict):
            return {key: self._hidden(item) for key, item in value.items()}
        return value

    def named(self, *names: str) -> list[dict[str, Any]]:
        """The events of these names, in their order."""
        return [event for event in read_lines(self._path) if event.get("event") in names]
