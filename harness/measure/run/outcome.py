"""What became of a run on one of its devices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.exit_codes import ExitCode
from harness.measure.outcome import DeviceOutcome
from harness.model.condition import Condition
from harness.store import records


@dataclass
class SessionOutcome(DeviceOutcome):
    """What a device gave in a run."""

    samples: int = 0
    unfinished: bool = False  # --resume has something to measure
    _alike: dict[tuple[str, str], _Alike] = field(default_factory=dict)  # of workers of somebody else: name, what

    def fail(self, code: ExitCode, message: str) -> None:
        """Notes a failure that leaves something to measure; the run goes on elsewhere."""
        self.unfinished = True
        self.note(code, message)

    def fault(self, record: records.Check | records.Error) -> None:
        """Notes what is on record of a variant and stays so: a wrong result, or a crash. Twice is once.

        A worker of somebody else may fail everywhere in the same way: that is one message.
        """
        if record.what.is_foreign:
            self._fault_of_worker(record)
        elif isinstance(record, records.Error):
            self.note(ExitCode.INFRASTRUCTURE, _crash(record))
        else:
            self.note_wrong(record, "wrong result, not timed")

    def _fault_of_worker(self, record: records.Check | records.Error) -> None:
        is_error = isinstance(record, records.Error)
        what = record.reason if isinstance(record, records.Error) else "wrong result"
        alike = self._alike.get((record.algorithm, what))
        if alike is None:
            text = (
                _crash(record) if isinstance(record, records.Error) else f"{record.variant} on {record.layer}: {what}"
            )
            self._alike[record.algorithm, what] = alike = _Alike(len(self.messages), text)
            self.messages.append(text)
            self.codes.append(ExitCode.INFRASTRUCTURE if is_error else ExitCode.WRONG_RESULT)
        alike.places.add((record.layer, record.launch if is_error else 0))
        if (more := len(alike.places) - 1) > 0:
            self.messages[alike.at] = f"{alike.text} (and {more} more alike)"

    def told(self) -> dict[str, Any]:
        """As JSON-ready values, for another host."""
        alike = [[*key, each.at, each.text, sorted(map(list, each.places))] for key, each in self._alike.items()]
        return {
            "codes": [int(code) for code in self.codes],
            "messages": self.messages,
            "conditions": [condition.as_json() for condition in self.conditions],
            "samples": self.samples,
            "unfinished": self.unfinished,
            "alike": alike,
        }

    @staticmethod
    def of_told(name: str, value: Mapping[str, Any]) -> SessionOutcome:
        """What ``told`` gave. Raises ValueError, KeyError or TypeError for anything else."""
        found = [Condition.from_json(each) for each in value["conditions"]]
        made = SessionOutcome(
            name,
            [ExitCode(code) for code in value["codes"]],
            [str(message) for message in value["messages"]],
            [condition for condition in found if condition is not None],
            int(value["samples"]),
            bool(value["unfinished"]),
        )
        for algorithm, what, at, text, places in value["alike"]:
            if not 0 <= at < len(made.messages):
                raise ValueError("a message that is not there")
            seen = {(str(layer), int(launch)) for layer, launch in places}
            made._alike[str(algorithm), str(what)] = _Alike(int(at), str(text), seen)
        return made


def _crash(error: records.Error) -> str:
    return f"{error.variant} on {error.layer}, launch {error.launch + 1}: {error.reason}"


@dataclass
class _Alike:
    """Faults that are told in one message: its place among the messages, and what it said first."""

    at: int
    text: str
    places: set[tuple[str, int]] = field(default_factory=set)  # layer, launch
