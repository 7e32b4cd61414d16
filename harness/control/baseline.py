"""The lowest temperature seen at a device's start of a run: what the heat gate waits for."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

from filelock import FileLock

from harness.paths import state_folder, state_root
from harness.store.journal import write_atomically


def _file() -> Path:
    return state_root() / "baselines.json"


def _key(serial: str, source: str) -> str:
    return f"{sha256(serial.encode()).hexdigest()[:16]}/{source}"


def _read() -> dict[str, float]:
    try:
        value = json.loads(_file().read_bytes())
        return {str(k): float(v) for k, v in value.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}  # absent or damaged: no baseline is known


def stored(serial: str, source: str) -> float | None:
    """The stored baseline of a device's heat source in degrees C; None where none is known."""
    return _read().get(_key(serial, source))


def store(serial: str, source: str, temperature: float) -> None:
    """Keeps the lower of the stored baseline and this one."""
    file = state_folder("") / _file().name
    with FileLock(file.with_suffix(".lock")):
        values = _read()
        key = _key(serial, source)
        values[key] = round(min(temperature, values.get(key, temperature)), 3)
        write_atomically(file, (json.dumps(values, indent=2, sort_keys=True) + "\n").encode())
