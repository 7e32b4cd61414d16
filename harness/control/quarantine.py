"""Phones that are not measured for a while, each with the reason and the end.

A phone gets there where a run left it so that the next numbers from it could not be believed, or where it was lost so
often that it costs others' time: the table REASONS says which, and for how long. Settings that are not put back are
no reason: the next run puts them back, and must not be kept from it. ``harness doctor --release`` ends a quarantine at
once; nothing but measuring is refused meanwhile.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from harness.control.damaged import put_aside
from harness.devices.base import Attached, Device, Unusable
from harness.devices.phone_id import PhoneId
from harness.errors import InfrastructureError
from harness.model.condition import Condition
from harness.paths import state_folder, state_root
from harness.store.journal import write_atomically

_FOLDER = "quarantine"
_ADDED = "second_mark"  # files of before lack it
_LONGEST_H = 24.0 * 365
STATE = "in quarantine"  # as `harness devices` calls it

# Reason -> hours.
REASONS: Mapping[str, float] = {
    # They take CPU time from whatever is measured next; a reboot ends them.
    "programs of a run cannot be killed on it": 24.0,
    # A cable, a hub or a battery at its end. Not for one loss: whoever plugs it in again must be able to go on at once.
    "its connection was lost for good in three runs one after another": 1.0,
}
UNKILLABLE, OFTEN_LOST = REASONS
_LOSSES = 3

Say = Callable[[str], None]


@dataclass(frozen=True)
class Quarantine:
    """Why a phone is not measured, and until when (ISO 8601, UTC)."""

    reason: str
    since: str
    until: str
    title: str  # the kind of phone
    digest: str
    address: str  # where it was last
    second_mark: str = ""  # PhoneId.second

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        return asdict(self)

    def condition(self, serial: str = "") -> Condition:
        """QUARANTINED; ``serial``: of the device, for the remedy."""
        remedy = f"look after the phone, then: harness doctor --release {serial}" if serial else ""
        return Condition("QUARANTINED", f"{STATE} {self.text}", remedy)

    def is_of_number(self, serialno: str) -> bool:
        """Whether its phone has that ro.serialno, which a farm calls phones by: their addresses change."""
        model, _, board = self.title.removesuffix(")").partition(" (board ")
        return bool(serialno) and PhoneId(serialno, model, board, "").number_digest == self.digest

    @property
    def text(self) -> str:
        """``until 2026-11-30 14:00 UTC: the reason``."""
        return f"until {self.until[:16].replace('T', ' ')} UTC: {self.reason}"

    @property
    def remark(self) -> str:
        """For whoever has just put the phone there."""
        return f"the phone is in quarantine {self.text}\n  harness doctor --release ends it"


def put(phone: PhoneId, reason: str, hours: float | None = None) -> Quarantine:
    """Keeps the phone from being measured for that many hours, by default those of REASONS; a longer one stays.

    Raises InfrastructureError where that cannot be written down.
    """
    hours = REASONS[reason] if hours is None else hours
    now = datetime.now(UTC)
    until = now + timedelta(hours=max(0.0, min(hours, _LONGEST_H)))
    made = Quarantine(reason, _iso(now), _iso(until), phone.title, phone.digest, phone.address, phone.second)
    known = of(phone, aside=True)
    if known is not None and known.until > made.until:
        return known
    state_folder(_FOLDER)
    write_atomically(_file(phone.digest), (json.dumps(asdict(made), indent=2) + "\n").encode())
    return made


def of(phone: PhoneId, say: Say | None = None, *, aside: bool = False) -> Quarantine | None:
    """The quarantine of that phone, None where there is none now. ``say`` is told of a damaged file.

    ``aside``: such a file is put aside, which is for whoever holds the phone; else it stays.
    """
    found = [known for digest in phone.digests if (known := _read(_file(digest), say, aside=aside)) is not None]
    return next((known for known in found if phone.owns(known.digest, known.second_mark)), None)


def every(say: Say | None = None) -> list[Quarantine]:
    """All that are not over yet."""
    found = [_read(file, say) for file in sorted((state_root() / _FOLDER).glob("*.json"))]
    return [each for each in found if each is not None]


def release(phone: PhoneId) -> bool:
    """Ends the quarantine of that phone; whether there was one."""
    ended = False
    _losses(phone.digest).unlink(missing_ok=True)
    for digest in phone.digests:
        known = _read(_file(digest), None)
        if known is not None and phone.owns(digest, known.second_mark):
            _file(digest).unlink(missing_ok=True)
            ended = True
    return ended


def release_named(name: str, attached: Sequence[Device] = ()) -> list[Quarantine]:
    """Ends the quarantines that ``name`` is the address or serial number, or one of the attached phones' names, of;
    those there were.
    """
    phones = [PhoneId.of(device.identity) for device in attached if device.serial == name]
    ended = [
        each
        for each in every()
        if name in (each.address, each.digest)
        or each.is_of_number(name)
        or any(phone.owns(each.digest, each.second_mark) for phone in phones)
    ]
    for each in ended:
        _losses(each.digest).unlink(missing_ok=True)
        _file(each.digest).unlink(missing_ok=True)
    return ended


def without(attached: Attached, say: Say | None = None) -> Attached:
    """What is attached, with phones in quarantine among the unusable ones."""
    found = held(attached, say)
    unusable = []
    for device, known in found:
        condition = known.condition(device.serial)
        unusable.append(Unusable.of(device, condition.what, condition.advice, (condition.name,)))
    usable = [device for device in attached.devices if not any(device is one for one, _ in found)]
    return replace(attached, devices=tuple(usable), unusable=(*attached.unusable, *unusable))


def held(attached: Attached, say: Say | None = None) -> list[tuple[Device, Quarantine]]:
    """The attached phones that are in it."""
    phones = [device for device in attached.devices if not device.identity.capabilities.is_measured_alone]
    known = [(device, of(PhoneId.of(device.identity), say)) for device in phones]
    return [(device, found) for device, found in known if found is not None]


def lost(phone: PhoneId) -> Quarantine | None:
    """A run has lost the phone for good: the quarantine, where it was once too often."""
    file = state_folder(_FOLDER) / _losses(phone.digest).name
    count = _count(file) + 1
    if count < _LOSSES:
        write_atomically(file, f"{count}\n".encode())
        return None
    file.unlink(missing_ok=True)
    return put(phone, OFTEN_LOST)


def stayed(phone: PhoneId) -> None:
    """A run has had the phone to its end: earlier losses are forgotten."""
    try:
        _losses(phone.digest).unlink(missing_ok=True)
    except OSError as error:
        raise InfrastructureError(f"{error.filename}: {error.strerror}", "mend it, or set XDG_STATE_HOME") from error


def _file(digest: str) -> Path:
    return state_root() / _FOLDER / f"{digest}.json"


def _losses(digest: str) -> Path:
    return state_root() / _FOLDER / f"{digest}.lost"


def _count(file: Path) -> int:
    try:
        text = file.read_text("ascii").strip()
    except (OSError, ValueError):
        return 0
    return int(text) if text.isdecimal() and len(text) < 3 else 0


def _read(file: Path, say: Say | None, *, aside: bool = False) -> Quarantine | None:
    try:
        value = json.loads(file.read_bytes())
        known = Quarantine(
            **{key: str(value[key]) for key in Quarantine.__annotations__ if key != _ADDED or key in value}
        )
        if known.digest != file.stem:
            raise ValueError("it is of another phone")
        until = datetime.fromisoformat(known.until)
        over = until <= datetime.now(UTC)
    except OSError:
        return None
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        if aside:
            put_aside(file, "taken as no quarantine", say)
        elif say is not None:
            say(f"{file} is damaged: taken as no quarantine")
        return None
    return None if over else known


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
