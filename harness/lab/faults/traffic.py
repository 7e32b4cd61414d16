"""What the phone's adbd does to its own streams while faults are on, and how it sees that others have to begin."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_LONGEST_WAIT_S = 10.0
_DAMAGE = 8
_PUSH_REASONS = {"denied": "Permission denied", "full": "No space left on device"}


@dataclass
class _Fault:
    """One that is on, as the supervisor told of it; ``left`` counts down, below 0 there is no count."""

    number: int
    name: str
    value: Any
    on: str
    left: int
    has_happened: bool = False

    def touches(self, command: str) -> bool:
        return self.left != 0 and self.on in command


@dataclass
class _Trigger:
    """What begins another fault: a command that holds ``at``, or ``left`` more bytes to the host."""

    number: int
    at: str
    left: int
    splits: bool  # nothing more of the packet goes out


def _always(_: str) -> bool:
    return True


@dataclass
class Treatment:
    """What becomes of one command, push or pull. ``values``: of the faults that touch it, by name.

    A fault counts as happened only when it shows: then ``claim`` is asked, once a command, and may say that it has
    happened often enough.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    hung_by: frozenset[int] = frozenset()
    claim: Callable[[str], bool] = field(default=_always, compare=False)
    _claimed: dict[str, bool] = field(default_factory=dict)
    _seen: int = 0

    def opening(self) -> bytes:
        """What the shell prints before anything else."""
        return f"{self.values['noise']}\n".encode() if self._shows("noise") else b""

    def stdout(self, data: bytes) -> bytes:
        """What arrives of the next bytes."""
        start, self._seen = self._seen, self._seen + len(data)
        at, limit = self.values.get("corrupt"), self.values.get("truncate")
        if at is not None and start < at + _DAMAGE and at < self._seen and self._shows("corrupt"):
            data = _damaged(data, at - start)
        if limit is not None and limit < self._seen and self._shows("truncate"):
            data = data[: max(0, limit - start)]
        return data

    @property
    def push_reason(self) -> str:
        """Why a pushed file is refused; empty where it is not."""
        reason = _PUSH_REASONS.get(self.values.get("push", ""), "")
        return reason if reason and self._shows("push") else ""

    def pushed(self, data: bytes) -> bytes:
        """What is stored of the next bytes of a pushed file."""
        is_first, self._seen = not self._seen, self._seen + len(data)
        if self.values.get("push") != "damaged" or not (is_first and data and self._shows("push")):
            return data
        return bytes([data[0] ^ 0xFF]) + data[1:]

    def _shows(self, name: str) -> bool:
        if name not in self.values:
            return False
        if name not in self._claimed:
            self._claimed[name] = self.claim(name)
        return self._claimed[name]


def _other(byte: int) -> int:
    """Another byte; a line end stays, and none comes up: one line is damaged, not two lines joined or one cut."""
    if byte == 10:
        return byte
    return next(other for mask in (0x15, 0x16) if (other := byte ^ mask) not in (0, 10))


def _damaged(data: bytes, at: int) -> bytes:
    low, high = max(at, 0), min(at + _DAMAGE, len(data))
    if low >= high:
        return data
    changed = bytes(map(_other, data[low:high]))
    return data[:low] + changed + data[high:]


class Traffic:
    """The faults of one adbd. Methods are called by many threads; ``tell`` sends a message to the supervisor."""

    def __init__(self, tell: Callable[[Mapping[str, Any]], None] = lambda _: None) -> None:
        self._tell = tell
        self._changed = threading.Condition()
        self._faults: dict[int, _Fault] = {}
        self._triggers: dict[int, _Trigger] = {}
        self._begun: set[int] = set()

    def obey(self, faults: Sequence[Mapping[str, Any]], triggers: Sequence[Mapping[str, Any]]) -> None:
        """Takes the whole list of what is on and what waits; counts of known ones go on."""
        with self._changed:
            self._faults = {f["number"]: self._faults.get(f["number"]) or _Fault(**f) for f in faults}
            self._triggers = {t["number"]: self._triggers.get(t["number"]) or _Trigger(**t) for t in triggers}
            self._changed.notify_all()

    def begun(self, number: int) -> None:
        """The supervisor has begun what a trigger asked for."""
        with self._changed:
            self._begun.add(number)
            self._changed.notify_all()

    def command(self, text: str) -> Treatment:
        """A command, ``push PATH`` or ``pull PATH`` has come: begins what waits for it, and says how to treat it."""
        with self._changed:
            due = [trigger for trigger in self._triggers.values() if trigger.at and trigger.at in text]
            for trigger in due:
                del self._triggers[trigger.number]
        for trigger in due:
            self.fire(trigger.number)
        with self._changed:
            touching = [fault for fault in self._faults.values() if fault.name in _OF_COMMANDS and fault.touches(text)]
        if not text.startswith("push "):
            touching = [fault for fault in touching if fault.name != "push"]
        found = {fault.name: fault for fault in touching}
        return Treatment(
            {name: fault.value for name, fault in found.items()},
            frozenset(fault.number for fault in touching if fault.name == "hang"),
            lambda name: self._claim(found[name]),
        )

    def _claim(self, fault: _Fault) -> bool:
        """It is about to show; False where it has done so often enough."""
        with self._changed:
            if fault.left == 0:
                return False
            is_news = fault.left > 0 or not fault.has_happened
            fault.left -= fault.left > 0
            fault.has_happened = True
        if is_news:
            self._tell({"happened": fault.number})
        return True

    def fire(self, number: int) -> None:
        """Has the supervisor begin a fault, and waits until it has."""
        self._tell({"trigger": number})
        with self._changed:
            self._changed.wait_for(lambda: number in self._begun, _LONGEST_WAIT_S)

    def passing(self, count: int) -> tuple[int, list[int]]:
        """So many bytes are about to go to the host: how many may, and what begins then."""
        with self._changed:
            due, may = [], count
            for trigger in list(self._triggers.values()):
                if trigger.at:
                    continue
                if trigger.left <= count:
                    due.append(trigger.number)
                    del self._triggers[trigger.number]
                    if trigger.splits:
                        may = min(may, trigger.left)
                else:
                    trigger.left -= count
        return may, due

    def hold(self) -> None:
        """Waits while nothing may be answered."""
        with self._changed:
            self._changed.wait_for(lambda: not any(f.name == "hang" and not f.on for f in self._faults.values()))

    def hang(self, treatment: Treatment, closed: Callable[[], bool]) -> bool:
        """Waits while the faults that hang this command are on; False where the host closes the stream first."""
        hanging = [fault for fault in list(self._faults.values()) if fault.number in treatment.hung_by]
        numbers = {fault.number for fault in hanging if self._claim(fault)}
        with self._changed:
            while numbers & self._faults.keys():
                if closed():
                    return False
                self._changed.wait(0.2)
        return True

    def pace(self, count: int) -> None:
        """Takes the time that so many bytes take on the link."""
        rates = [fault.value for fault in self._faults.copy().values() if fault.name == "slow"]
        if rates:
            time.sleep(count / min(rates))


_OF_COMMANDS = ("noise", "truncate", "corrupt", "push", "hang")
