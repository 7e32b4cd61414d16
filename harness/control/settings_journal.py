"""What was changed on a phone and is not put back yet: remembered on this host and on the phone itself.

Both files hold the same line of JSON. The phone's lets any host put the settings back, and is the newer one where
several hosts used the phone. What is damaged is kept aside, said, and not gone by.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from harness.control.damaged import put_aside
from harness.control.setting import TABLE
from harness.devices import scripts
from harness.devices.base import Device, is_network_address
from harness.devices.phone_id import PhoneId
from harness.errors import DeviceError, DeviceLost, InfrastructureError, WrongDevice
from harness.paths import state_root
from harness.store.journal import write_atomically

Say = Callable[[str], None]
ON_PHONE = ".harness-settings.json"  # below the device's work_root()
_LARGEST = 64 << 10
_DAMAGED = ".damaged"


class Change(BaseModel):
    """A setting, its value before, and the one that we put there.

    Of one that cannot be read ``saved`` is the documented default, and ``boot_id`` tells when it was changed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    setting: str
    saved: str | None
    ours: str
    boot_id: str = Field(default="", max_length=256)

    @model_validator(mode="after")
    def _is_of_the_table(self) -> Change:
        known = TABLE.get(self.setting)
        if known is None:
            raise ValueError(f"unknown setting {self.setting!r}")
        if not known.is_like(self.saved) or not known.is_like(self.ours):
            raise ValueError(f"no value of {self.setting}: {self.saved!r} or {self.ours!r}")
        if known.words and not {self.saved, self.ours} <= set(known.words):
            raise ValueError(f"{self.setting} cannot be set to {self.saved!r}")
        return self


class Pending(BaseModel):
    """All that is to be put back on a phone, in the order in which it was changed."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    version: Literal[2] = 2
    phone: str = Field(pattern=r"^[0-9a-f]{16}$")  # PhoneId.digest
    address: str = Field(max_length=256)  # where it was reached
    title: str = Field(max_length=600)
    second_mark: str = Field(default="", max_length=64)  # PhoneId.second
    changes: tuple[Change, ...] = Field(max_length=len(TABLE))

    @model_validator(mode="after")
    def _names_each_once(self) -> Pending:
        if len({change.setting for change in self.changes}) != len(self.changes):
            raise ValueError("a setting stands twice")
        return self

    @staticmethod
    def of(phone: PhoneId, changes: Sequence[Change]) -> Pending:
        """What is to be put back on that phone."""
        return Pending(
            phone=phone.digest,
            address=phone.address,
            title=phone.title,
            second_mark=phone.second,
            changes=tuple(changes),
        )

    def is_of(self, phone: PhoneId) -> bool:
        """Whether it is what is remembered of that phone."""
        return phone.owns(self.phone, self.second_mark) or self.phone == _older_digest(phone.address)


def _folder() -> Path:
    return state_root() / "settings"


def file_of(phone: PhoneId) -> Path:
    """The file of this host."""
    return _folder() / f"{phone.digest}.json"


def _older_digest(address: str) -> str:
    """The name of the file of harness 0.1."""
    return sha256(address.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def kept_here(phone: PhoneId, say: Say, there: Pending | None = None, *, aside: bool = True) -> tuple[Change, ...]:
    """What this host remembers of a phone, also from a harness before 0.2. ``there``: what the phone remembers.

    ``aside``: a damaged file is put aside, which is for whoever holds the phone; else it is said, and stays.
    """
    found = [pending for _, pending in _files(phone, there, say, aside=aside)]
    return tuple({c.setting: c for pending in reversed(found) for c in pending.changes}.values())


def _files(phone: PhoneId, there: Pending | None, say: Say, *, aside: bool) -> list[tuple[Path, Pending]]:
    """The phone's files of this host, by whatever it was known then; the one of its present name first.

    A name that it does not have now is its own where the phone's journal is the same one.
    """
    names = dict.fromkeys([*phone.digests, *([there.phone] if there else []), _older_digest(phone.address)])
    read = [(file, _read_file(file, say, aside=aside)) for file in (_folder() / f"{name}.json" for name in names)]
    return [
        (file, pending) for file, pending in read if pending is not None and (pending.is_of(phone) or pending == there)
    ]


def all_kept_here(say: Say) -> list[Pending]:
    """What this host remembers of any phone."""
    files = sorted(_folder().glob("*.json"))
    return [pending for file in files if (pending := _read_file(file, say, aside=True)) is not None and pending.changes]


def keep_here(phone: PhoneId, changes: Sequence[Change], there: Pending | None = None) -> None:
    """Remembers what is to be put back, on disk when this returns; raises InfrastructureError where it cannot be.

    Files of other names of the phone are in ``changes`` by now. ``there``: what the phone remembered before.
    """
    mine = file_of(phone)
    if changes:
        write_atomically(mine, _text(phone, changes).encode(), durable=True)
    for file, _ in _files(phone, there, lambda text: None, aside=False):
        if file != mine or not changes:
            _forget(file)


def _forget(file: Path) -> None:
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        raise InfrastructureError(
            f"cannot remove {file}: {error.strerror or error}",
            "mend the permissions, or remove it by hand: what it tells to put back is done",
        ) from error


def kept_there(device: Device, say: Say) -> Pending | None:
    """What the phone remembers. Raises DeviceLost; what else goes wrong is said."""
    path = posixpath.join(device.work_root(), ON_PHONE)
    try:
        data = device.read_files([path])[path]
        if data is None or not data.strip():
            return None
        pending, why = _parsed(data)  # it lies on the phone, so it is of this one, whatever it was known by
        if pending is not None:
            return pending
        device.run(["mv", "-f", path, path + _DAMAGED], deadline_s=10)
    except (DeviceLost, WrongDevice):
        raise
    except DeviceError as error:
        say(f"the phone's journal of settings cannot be read: {error.message}")
        return None
    say(f"the phone's journal of settings is damaged ({why}): kept there as {path}{_DAMAGED}, and not gone by")
    return None


def keep_there(device: Device, phone: PhoneId, changes: Sequence[Change]) -> None:
    """Lets the phone remember what is to be put back, on its disk when this returns. Raises DeviceError."""
    path = posixpath.join(device.work_root(), ON_PHONE)
    if changes:
        done = device.run(scripts.script(scripts.KEEP, path, _text(phone, changes)), deadline_s=20)
    else:
        done = device.run(["rm", "-f", path], deadline_s=10)
    if done.code:
        raise DeviceError(f"{path}: {done.refusal}")


def _text(phone: PhoneId, changes: Sequence[Change]) -> str:
    return Pending.of(phone, changes).model_dump_json()


def _parsed(data: bytes, digest: str = "") -> tuple[Pending | None, str]:
    """What a journal says; else why it is damaged."""
    if len(data) > _LARGEST:
        return None, f"{len(data)} bytes"
    try:
        pending = Pending.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        return None, f"{'.'.join(map(str, first['loc'])) or 'the file'}: {first['msg']}"[:200]
    if digest and pending.phone != digest:
        return None, "it is of another phone"
    return pending, ""


def _read_file(file: Path, say: Say, *, aside: bool) -> Pending | None:
    try:
        with file.open("rb") as stream:
            data = stream.read(_LARGEST + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        say(f"the journal of settings {file} cannot be read: {error.strerror or error}")
        return None
    pending, why = _parsed(data, file.stem)
    if pending is None:
        pending, why = _parsed_older(data, why)
    if pending is None and aside:
        put_aside(file, f"{why}; what it says is not put back", say)
    elif pending is None:
        say(f"the journal of settings {file} is damaged: {why}")
    return pending


def _parsed_older(data: bytes, why: str) -> tuple[Pending | None, str]:
    """A journal of harness 0.1: one change of the setting that keeps awake, by the adb serial."""
    try:
        value = json.loads(data)
        serial, change = str(value["serial"]), value["change"]
        saved, ours = change["saved"], change["ours"]
        awake = TABLE["stay_awake"]
        if (change["namespace"], change["key"]) != (awake.namespace, awake.key):
            return None, why
        one = Change(setting=awake.name, saved=saved, ours=ours)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None, why
    if is_network_address(serial):
        put = f"settings {'delete' if saved is None else 'put'} {awake.namespace} {awake.key} {saved or ''}".strip()
        return None, (
            f"harness 0.1 knew the phone by its address {serial}, which may be another one's by now; on the phone that "
            f"was there: adb shell {put}"
        )
    return Pending(phone=_older_digest(serial), address=serial, title="phone", changes=(one,)), ""
