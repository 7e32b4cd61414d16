"""Settings that a run changes on a device: the saved value is written down first, and put back whatever happens.

Two places remember it: settings.jsonl of the run, and one file per device in the state folder, from which the next run
on that device or ``harness restore`` puts it back after a kill.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal

from harness.devices.base import Device
from harness.errors import DeviceError, DeviceLost
from harness.paths import state_root
from harness.store.journal import append_line, read_lines, utc_now, write_atomically

Outcome = Literal["restored", "already", "left"]


@dataclass(frozen=True)
class Change:
    """A setting of a device, its value before, and the one we put there."""

    namespace: str
    key: str
    saved: str | None
    ours: str


# AC, USB and wireless charging: the screen stays on while any of them feeds the phone.
STAY_ON = ("global", "stay_on_while_plugged_in", "7")


def state_file(serial: str) -> Path:
    """The file that remembers what to restore on the device with that serial number."""
    return state_root() / "settings" / f"{sha256(serial.encode()).hexdigest()[:16]}.json"


def pending(serial: str) -> Change | None:
    """The change that was not put back yet on that device; a damaged file counts as none."""
    try:
        value = json.loads(state_file(serial).read_bytes())
        return Change(**value["change"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def pending_serials() -> list[str]:
    """Serial numbers of all devices with something to restore."""
    found = []
    for file in sorted((state_root() / "settings").glob("*.json")):
        try:
            found.append(str(json.loads(file.read_bytes())["serial"]))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return found


def follow(old: str, new: str, journal: Path) -> None:
    """A phone has come back under another address: what the run of ``journal`` left changed is put back there."""
    change, steps = pending(old), read_lines(journal)
    if change is None or pending(new) is not None or not steps or steps[-1].get("step") in ("restored", "already"):
        return
    if all(steps[-1].get(key) == value for key, value in asdict(change).items()):
        _remember(new, change)
        state_file(old).unlink(missing_ok=True)


def restore(device: Device, journal: Path | None = None) -> tuple[Outcome, str] | None:
    """Puts back what an earlier run left changed; None where nothing was.

    A value that is neither ours nor the saved one was set by somebody else since then: it is left, and said. Raises
    DeviceError where the device does not take the saved value; it is tried again another time.
    """
    change = pending(device.serial)
    if change is None:
        return None
    name = f"{change.namespace} {change.key}"
    current = device.get_setting(change.namespace, change.key)
    if current == change.saved:
        outcome: Outcome = "already"
        message = f"{name} is {_shown(current)}, as it was before"
    elif current == change.ours:
        current = _put_saved(device, change, journal)
        outcome, message = "restored", f"{name} put back to {_shown(change.saved)}"
    else:
        outcome = "left"
        message = f"{name} is {_shown(current)}, neither ours nor the saved {_shown(change.saved)}: left as it is"
    if journal is not None:
        _note(journal, outcome, change, current)
    state_file(device.serial).unlink(missing_ok=True)
    return outcome, message


def _put_saved(device: Device, change: Change, journal: Path | None) -> str | None:
    """Writes the saved value; what is there then."""
    try:
        device.put_setting(change.namespace, change.key, change.saved)
        now = device.get_setting(change.namespace, change.key)
        if now != change.saved:
            raise DeviceError(
                f"{change.namespace} {change.key} is {_shown(now)} after writing {_shown(change.saved)}",
                "set it by hand, or try again: harness restore",
            )
    except DeviceLost:
        raise  # nobody knows what is there
    except DeviceError:
        if journal is not None:
            _note(journal, "restore failed", change, device.get_setting(change.namespace, change.key))
        raise
    return now


@contextmanager
def kept_awake(device: Device, journal: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Keeps the screen of a phone on within the block. ``say`` is told of a value that was left as it is."""
    namespace, key, ours = STAY_ON
    _put_back(device, journal, say)
    saved = device.get_setting(namespace, key)
    change = Change(namespace, key, saved, ours)
    _note(journal, "read", change, saved)
    try:
        if saved != ours:
            _remember(device.serial, change)
            device.put_setting(namespace, key, ours)
            _note(journal, "changed", change, ours)
            _note(journal, "verified", change, device.get_setting(namespace, key))
        yield
    finally:  # from the moment that put_setting was sent, whatever came back
        _put_back(device, journal, say)


def _put_back(device: Device, journal: Path, say: Callable[[str], None]) -> None:
    try:
        done = restore(device, journal)
    except DeviceError as error:
        raise DeviceError(
            f"a setting of the phone is not put back yet: {error.message}", "attach the phone, then: harness restore"
        ) from error
    if done is not None and done[0] == "left":
        say(done[1])


def _remember(serial: str, change: Change) -> None:
    file = state_file(serial)
    write_atomically(file, json.dumps({"serial": serial, "change": asdict(change)}).encode())
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)  # the phone must not be changed before this is on disk
    finally:
        os.close(descriptor)


def _note(journal: Path, step: str, change: Change, value: str | None) -> None:
    append_line(journal, {"utc": utc_now(), "step": step, **asdict(change), "value": value}, durable=True)


def _shown(value: str | None) -> str:
    return "unset" if value is None else repr(value)
