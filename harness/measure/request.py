"""What a run was asked to do, as validated values; and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from harness.errors import ExitCode
from harness.model.layer import Layer
from harness.model.policy import Policy
from harness.store import records


@dataclass(frozen=True)
class Request:
    """One run, for every device alike."""

    suite: str
    layers: tuple[Layer, ...]
    policy: Policy
    algorithms: tuple[str, ...]
    seed: int
    faces: tuple[str, ...] = ("published",)
    toolchain: str = "auto"
    abi: str | None = None  # None: arm64-v8a for phones, host for this machine
    ndk: Path | None = None
    cpus: tuple[int, ...] | None = None  # --clusters; None: every cluster
    tuned: Path | None = None  # --tuned; a resumed run has its tables itself


@dataclass
class DeviceOutcome:
    """What a device gave."""

    name: str
    samples: int = 0
    codes: list[ExitCode] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    unfinished: bool = False  # --resume has something to measure

    def warn(self, message: str) -> bool:
        """Notes what is no failure; whether it is new."""
        is_new = message not in self.messages
        self.messages += [message] * is_new
        return is_new

    def fail(self, code: ExitCode, message: str) -> None:
        """Notes a failure that leaves something to measure; the run goes on elsewhere."""
        self.unfinished = True
        self._note(code, message)

    def fault(self, record: records.Check | records.Error) -> None:
        """Notes what is on record of a variant and stays so: a wrong result, or a crash. Twice is once."""
        what = f"{record.variant} on {record.layer}"
        if isinstance(record, records.Error):
            self._note(ExitCode.INFRASTRUCTURE, f"{what}, launch {record.launch}: {record.reason}")
        else:
            self._note(ExitCode.WRONG_RESULT, f"{what}: wrong result, not timed")

    def _note(self, code: ExitCode, message: str) -> None:
        if self.warn(message):
            self.codes.append(code)
