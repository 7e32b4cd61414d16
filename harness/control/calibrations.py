"""Calibrations between runs: a file for each phone in the state folder, with one calibration for each policy."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

from harness.control.damaged import put_aside
from harness.devices.phone_id import PhoneId
from harness.model.calibration import Calibration, as_json, parsed
from harness.paths import state_folder, state_root
from harness.store.journal import write_atomically

FOLDER = "calibrations"
_VERSION = 1

Say = Callable[[str], None]


def system_of(fingerprint: str, kernel: str) -> str:
    """The build of the device's system; where it tells none, its kernel."""
    return fingerprint or kernel


def _file(digest: str) -> Path:
    return state_root() / FOLDER / f"{digest}.json"


def _read(file: Path, damaged: Callable[[Path], None]) -> dict[str, Calibration]:
    try:
        value = json.loads(file.read_bytes())
        if value["version"] != _VERSION:
            raise ValueError(value["version"])
        found = {str(name): parsed(each) for name, each in value["policies"].items()}
    except OSError:
        return {}
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        damaged(file)
        return {}
    known = {name: each for name, each in found.items() if each is not None}
    if len(known) < len(found):
        damaged(file)
    return known


def stored(phone: PhoneId, policy: str, say: Say) -> Calibration | None:
    """The newest one of the phone under the policy of that name; None where there is none.

    ``say`` is told of a damaged file, which stays: somebody may be writing a new one.
    """
    found = [
        known[policy]
        for digest in phone.digests
        if phone.owns(digest)
        and policy in (known := _read(_file(digest), lambda file: say(f"{file} is damaged: it is not gone by")))
    ]
    return max(found, key=lambda each: each.utc, default=None)


def store(phone: PhoneId, calibration: Calibration, say: Say) -> Path:
    """Keeps it in the place of an older one; the file. A damaged file is put aside, and ``say`` is told.

    Raises InfrastructureError.
    """
    file = state_folder(FOLDER) / _file(phone.digest).name
    with FileLock(file.with_suffix(".lock")):
        known = _read(file, lambda damaged: put_aside(damaged, "its calibrations are lost", say))
        known[calibration.policy] = calibration
        value = {"version": _VERSION, "policies": {name: as_json(each) for name, each in sorted(known.items())}}
        write_atomically(file, (json.dumps(value, indent=2) + "\n").encode())
    return file
