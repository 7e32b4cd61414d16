"""The hottest plateau of all runs of a device: it tells a run on a hotter phone than ever. No gate waits for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

from harness.control.damaged import put_aside
from harness.devices.phone_id import PhoneId
from harness.paths import state_folder, state_root
from harness.store.journal import write_atomically

Say = Callable[[str], None]


def _file() -> Path:
    return state_root() / "baselines.json"


def _key(phone: PhoneId, source: str) -> str:
    return f"{phone.digest}/{source}"


def _read(damaged: Callable[[Path], None]) -> dict[str, float]:
    try:
        value = json.loads(_file().read_bytes())
        return {str(k): float(v) for k, v in value.items()}
    except OSError:
        return {}
    except (ValueError, AttributeError, TypeError, RecursionError):
        damaged(_file())
        return {}


def stored(phone: PhoneId, source: str, say: Say) -> float | None:
    """The stored baseline of a device's heat source in degrees C; None where none is known.

    ``say`` is told of a damaged file, which stays: another run may be writing a new one.
    """
    known = _read(lambda file: say(f"{file} is damaged: no baseline is known"))
    found = (known.get(f"{digest}/{source}") for digest in phone.digests if phone.owns(digest))
    return next((value for value in found if value is not None), None)


def store(phone: PhoneId, source: str, plateau: float, say: Say) -> None:
    """Keeps the higher of the stored baseline and this plateau. A damaged file is put aside, and ``say`` is told."""
    file = state_folder("") / _file().name
    with FileLock(file.with_suffix(".lock")):
        values = _read(lambda damaged: put_aside(damaged, "no baseline is known", say))
        key = _key(phone, source)
        values[key] = round(max(plateau, values.get(key, plateau)), 3)
        write_atomically(file, (json.dumps(values, indent=2, sort_keys=True) + "\n").encode())
