"""What became of a run on one of its devices."""

from __future__ import annotations

from dataclasses import dataclass

from harness.exit_codes import ExitCode
from harness.measure.outcome import DeviceOutcome
from harness.store import records


@dataclass
class SessionOutcome(DeviceOutcome):
    """What a device gave in a run."""

    samples: int = 0
    unfinished: bool = False  # --resume has something to measure

    def fail(self, code: ExitCode, message: str) -> None:
        """Notes a failure that leaves something to measure; the run goes on elsewhere."""
        self.unfinished = True
        self.note(code, message)

    def fault(self, record: records.Check | records.Error) -> None:
        """Notes what is on record of a variant and stays so: a wrong result, or a crash. Twice is once."""
        if isinstance(record, records.Error):
            what = f"{record.variant} on {record.layer}, launch {record.launch + 1}: {record.reason}"
            self.note(ExitCode.INFRASTRUCTURE, what)
        else:
            self.note_wrong(record, "wrong result, not timed")
