"""What became of a run on one of its devices."""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.exit_codes import ExitCode
from harness.measure.outcome import DeviceOutcome
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


def _crash(error: records.Error) -> str:
    return f"{error.variant} on {error.layer}, launch {error.launch + 1}: {error.reason}"


@dataclass
class _Alike:
    """Faults that are told in one message: its place among the messages, and what it said first."""

    at: int
    text: str
    places: set[tuple[str, int]] = field(default_factory=set)  # layer, launch
