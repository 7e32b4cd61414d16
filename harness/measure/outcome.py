"""What became of a command on its devices: failures with their exit codes, and one exit code for all."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from harness.devices.base import Unusable
from harness.errors import HarnessError
from harness.exit_codes import ExitCode, worst
from harness.measure.stop import codes_of
from harness.model.condition import Condition
from harness.store import records
from harness.store.journal import EventLog


@dataclass
class DeviceOutcome:
    """What a device gave."""

    name: str
    codes: list[ExitCode] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    conditions: list[Condition] = field(default_factory=list)  # stamped on all that the device gives

    def stamp(self, condition: Condition, events: EventLog) -> None:
        """Notes a condition that does not end the measurement: a message here, an event for report and results."""
        if condition not in self.conditions:
            self.conditions.append(condition)
            if not condition.kind.usual:
                self.warn(condition.text)
            events.add("condition", **condition.as_json())

    def warn(self, message: str) -> bool:
        """Notes what is no failure; whether it is new."""
        is_new = message not in self.messages
        self.messages += [message] * is_new
        return is_new

    def note(self, code: ExitCode, message: str) -> None:
        """Notes what decides the exit code. Twice is once."""
        if self.warn(message):
            self.codes.append(code)

    def fail(self, code: ExitCode, message: str) -> None:
        """Notes a failure; other devices go on."""
        self.note(code, message)

    @contextmanager
    def noting(self) -> Iterator[None]:
        """What fails within the block is noted; other devices go on."""
        try:
            yield
        except HarnessError as error:
            self.fail(error.exit_code, str(error))
        except Exception as error:  # a fault of ours on one device must not take the others with it
            traceback.print_exc()
            self.fail(ExitCode.INFRASTRUCTURE, f"{type(error).__name__}: {error}")

    def note_wrong(self, check: records.Check, what: str = "wrong result") -> None:
        """Notes a check that found a wrong result."""
        self.note(ExitCode.WRONG_RESULT, f"{check.variant} on {check.layer}: {what}")

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        conditions = [condition.as_json() for condition in self.conditions]
        return {"device": self.name, "messages": self.messages, "conditions": conditions}


D_co = TypeVar("D_co", bound=DeviceOutcome, covariant=True)


@dataclass(frozen=True)
class Results(Generic[D_co]):
    """What each device gave, the exit code of all, and the devices that were meant and may not be used."""

    outcomes: Sequence[D_co]
    code: ExitCode
    unusable: Sequence[Unusable] = ()
    timed_out: bool = False  # by --timeout, before all was done


def code_of(
    outcomes: Iterable[DeviceOutcome], *, some_unusable: bool = False, stop: threading.Event | None = None
) -> ExitCode:
    """The exit code of a command on several devices; ``stop``: what ends it in order."""
    codes = [code for outcome in outcomes for code in outcome.codes]
    return worst([*codes, *[ExitCode.INFRASTRUCTURE] * some_unusable, *codes_of(stop)])
