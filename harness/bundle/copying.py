"""A copy of a run directory that may be passed on: what stands for phones are pseudonyms, hosts and homes are gone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.bundle.layout import name_problem
from harness.bundle.redaction import Redaction, identity_under, redaction_of
from harness.devices.phone_id import PhoneId
from harness.devices.pseudonyms import pseudonym
from harness.errors import InfrastructureError, UsageError
from harness.store.manifest import Manifest
from harness.store.pseudonym_key import key_id
from harness.store.rundir import RunDir

_LINES = ("records.jsonl", "events.jsonl", "settings.jsonl")
_PLANS = re.compile(r"[\w,.+-]{1,100}\.(?:plan|tuned)")
_NUMBERED = re.compile(r"(.*)-([0-9a-f]{6})")  # a folder's name with a hash of its phone's key
_SUFFIX = 6


def copy_run(run: RunDir, manifest: Manifest, to: Path, key: bytes) -> Redaction:
    """Writes what of a run belongs into a bundle: manifest, plan, and of each device identity, plans, records, events
    and settings. What is made of these is left out, as is what the run directory has beside them.

    Raises UsageError for a device.json that tells nothing, OSError.
    """
    devices = devices_of(run)
    names = names_under(devices, names_in(manifest), key)
    known = [value for value in devices.values() if value is not None]
    lab = [] if manifest.scheduler is None else [manifest.scheduler.host]
    redaction = redaction_of(known, names, key, lab)
    to.mkdir(parents=True, exist_ok=True)
    value = redaction.value(manifest.model_copy(update={"scheduler": None}).model_dump(mode="json", by_alias=True))
    _write(to / "manifest.json", value)
    _lines(run.path / "plan.jsonl", to / "plan.jsonl", redaction)
    for name, device in devices.items():
        folder = to / "devices" / names.get(name, name)
        folder.mkdir(parents=True, exist_ok=True)
        if device is not None:
            own = device.get("identity")
            identity = identity_under(own if isinstance(own, dict) else {}, key, key_id(key))
            _write(folder / "device.json", redaction.value({**device, "identity": identity, "serial_is_secret": False}))
        for file in _LINES:
            _lines(run.path / "devices" / name / file, folder / file, redaction)
        for plan in sorted((run.path / "devices" / name / "plans").glob("*")):
            if _PLANS.fullmatch(plan.name) and not name_problem(plan.name) and _is_plain(plan):
                _lines(plan, folder / "plans" / plan.name, redaction)
    _check(to, redaction)
    return redaction


def devices_of(run: RunDir) -> dict[str, dict[str, Any] | None]:
    """What is in each device.json, None where there is none yet. Raises UsageError for one that is damaged."""
    return {path.name: _device(path / "device.json") for path in _folders(run.path)}


def _folders(path: Path) -> Iterator[Path]:
    for folder in sorted((path / "devices").glob("*")):
        if folder.is_dir() and not folder.is_symlink() and re.fullmatch("[a-z0-9][a-z0-9-]{0,99}", folder.name):
            yield folder


def _device(file: Path) -> dict[str, Any] | None:
    """device.json; None where there is none yet."""
    try:
        value = json.loads(file.read_bytes())
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise UsageError(
            f"{file}: it is damaged, and nothing else tells which numbers must not be passed on",
            "put back a copy of it, or leave that device out of a copy of the run directory",
        )
    return value


def names_in(manifest: Manifest) -> list[str]:
    """What a manifest calls devices: those that were measured, and those that were left out."""
    return [*manifest.devices, *(each.name for each in manifest.unusable)]


def names_under(devices: Mapping[str, Mapping[str, Any] | None], names: Iterable[str], key: bytes) -> dict[str, str]:
    """What stands for the names of folders that end in a hash of the phone's number, which could be guessed from it.

    ``devices``: what is in their device.json, by name; ``names``: others beside them.
    """
    found = {}
    for name in {*devices, *names}:
        parts = _NUMBERED.fullmatch(name)
        if parts is not None and _is_hash(parts[2], devices.get(name)):
            found[name] = f"{parts[1]}-{pseudonym(key, name)[-_SUFFIX:]}"
    return found


def _is_hash(suffix: str, device: Mapping[str, Any] | None) -> bool:
    """Whether that is a hash of the device's number, and not a part of its model's name; where unknown, it may be."""
    try:
        phone = PhoneId.from_json((device or {})["identity"])
    except (KeyError, TypeError, AttributeError):
        return True
    return suffix in {digest[:_SUFFIX] for digest in phone.digests}


def _is_plain(file: Path) -> bool:
    return file.is_file() and not file.is_symlink()


def _lines(file: Path, to: Path, redaction: Redaction) -> None:
    """Copies a file line by line; nothing where there is none."""
    if not _is_plain(file):
        return
    to.parent.mkdir(parents=True, exist_ok=True)
    with file.open("rb") as lines, to.open("wb") as out:
        for some in iter(lambda: lines.readlines(1 << 22), []):
            together = b"".join(some)
            out.write(b"".join(map(redaction.line, some)) if redaction.may_hold(together) else together)


def _write(file: Path, value: object) -> None:
    file.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", "utf-8", "replace")


def _check(folder: Path, redaction: Redaction) -> None:
    """A second look at what was written: a number that is still there is a fault of the tool, and goes nowhere."""
    for file in sorted(folder.rglob("*")):
        shown = file.relative_to(folder)
        found = redaction.number_in(str(shown).encode("utf-8", "surrogateescape"))
        if found is None and file.is_file():
            with file.open("rb") as lines:
                for some in iter(lambda: lines.readlines(1 << 22), []):
                    found = found or redaction.number_in(b"".join(some))
        if found is not None:
            raise InfrastructureError(
                f"{shown} would still tell a phone's number: no bundle was made", "please report it, without the number"
            )
