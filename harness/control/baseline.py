"""What runs leave to later ones of the same device: the hottest plateau, and the clock of a cool core.

The plateau tells a run on a hotter phone than ever; no gate waits for it. The clock spares a run's first gate a longer
look; one that is never reached again costs that look.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
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


def stored_clocks(phone: PhoneId, clusters: Iterable[str], say: Say) -> dict[str, float]:
    """The clock under load in MHz that the run before saw on each of these clusters when it was cool."""
    found = {label: stored(phone, _clock(label), say) for label in clusters}
    return {label: mhz for label, mhz in found.items() if mhz is not None}


def store(phone: PhoneId, source: str, plateau: float, say: Say) -> None:
    """Keeps the higher of the stored baseline and this plateau. A damaged file is put aside, and ``say`` is told."""
    _keep(phone, source, lambda known: max(plateau, plateau if known is None else known), say)


def store_clock(phone: PhoneId, cluster: str, mhz: float, say: Say) -> None:
    """Keeps the clock of a cool core in the place of the one of earlier runs."""
    _keep(phone, _clock(cluster), lambda _: mhz, say)


def _clock(cluster: str) -> str:
    return f"clock under load/{cluster}"


def _keep(phone: PhoneId, source: str, value: Callable[[float | None], float], say: Say) -> None:
    file = state_folder("") / _file().name
    with FileLock(file.with_suffix(".lock")):
        values = _read(lambda damaged: put_aside(damaged, "no baseline is known", say))
        key = _key(phone, source)
        values[key] = round(value(values.get(key)), 3)
        write_atomically(file, (json.dumps(values, indent=2, sort_keys=True) + "\n").encode())
