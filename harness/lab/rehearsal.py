"""Faults of a running phone, as its host puts them on, lists and ends them (harness.lab.faults has the table)."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from harness.errors import HarnessError, InfrastructureError, UsageError
from harness.lab import adbserver, manager
from harness.lab.faults import parse
from harness.lab.manager import PhoneHandle
from harness.lab.ports import HOST
from harness.lab.state import State

_BOOT_S = 20.0
_BEGIN_S = 60.0  # a phone that is killed, cut or rebooted in between answers late


@dataclass(frozen=True)
class Shown:
    """A fault that was asked for; ``on`` once its time has come.

    ``happened``: it is on, and where it is done to commands, at least one has met it.
    """

    fault: str
    on: bool
    happened: bool


@dataclass(frozen=True)
class Rehearsed:
    """What is asked of a phone now, and the serials under which it answers."""

    faults: tuple[Shown, ...]
    serials: tuple[str, ...]


def find(serial: str) -> PhoneHandle:
    """The running phone with that serial. Raises InfrastructureError."""
    for phone in manager.list_phones():
        if phone.serial == serial:
            return phone
    raise InfrastructureError(f"no virtual phone {serial}", "See: harness lab list")


def put_on(phone: PhoneHandle, *faults: str) -> Rehearsed:
    """Asks for faults (NAME[=VALUE][@WHEN]), all or none. Raises UsageError, InfrastructureError."""
    kinds = [parse(text).kind for text in faults]
    return _order(phone, {"order": "faults", "faults": list(faults)}, any(kind.reconnects for kind in kinds))


def clear(phone: PhoneHandle) -> Rehearsed:
    """Ends all faults, the last first, and attaches the phone again where the adb server still takes it for lost."""
    ended = [parse(shown.fault).kind for shown in listing(phone).faults]
    rehearsed = _order(phone, {"order": "clear faults"}, any(kind.reconnects for kind in ended))
    for serial in rehearsed.serials:
        if any(kind.loses for kind in ended) or adbserver.shows_lost(serial):
            _attach(serial)
    return rehearsed


def listing(phone: PhoneHandle) -> Rehearsed:
    """What is asked of the phone now."""
    return put_on(phone)


def _order(phone: PhoneHandle, message: dict[str, Any], reconnects: bool = False) -> Rehearsed:
    state = State(phone.root)
    known = _serials(_answer(phone, state, {"order": "faults", "faults": []}))
    online = {serial for serial in known if reconnects and adbserver.state(serial) == "device"}
    answer = _answer(phone, state, message)
    serials = _serials(answer)
    for gone in set(known) - set(serials):
        adbserver.disconnect(gone)
    for fresh in set(serials) - set(known) | online & set(serials):
        _attach(fresh)
    return Rehearsed(tuple(Shown(one["fault"], one["on"], one["happened"]) for one in answer["faults"]), serials)


def _attach(serial: str) -> None:
    """Connects the adb server; a phone that reboots after a fault is waited for. Raises InfrastructureError."""
    deadline = time.monotonic() + _BOOT_S
    while True:
        try:
            return adbserver.connect(serial)
        except InfrastructureError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _serials(answer: dict[str, Any]) -> tuple[str, ...]:
    return tuple(f"{HOST}:{port}" for port in answer["ports"])


def _answer(phone: PhoneHandle, state: State, message: dict[str, Any]) -> dict[str, Any]:
    try:
        answer = state.order(message, _BEGIN_S)
    except OSError as error:
        raise InfrastructureError(f"virtual phone {phone.serial} does not answer: {error}") from error
    if not answer["ok"]:
        kind: type[HarnessError] = UsageError if answer.get("usage") else InfrastructureError
        raise kind(f"virtual phone {phone.serial}: {answer['error']}")
    return answer
