"""What a run was asked to do, as validated values; and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from harness.config.layer import Layer
from harness.config.policy import Policy
from harness.errors import ExitCode


@dataclass(frozen=True)
class Request:
    """One run, for every device alike."""

    suite: str
    layers: tuple[Layer, ...]
    policy: Policy
    algorithms: tuple[str, ...]
    seed: int
    toolchain: str = "auto"
    abi: str | None = None  # None: arm64-v8a for phones, host for this machine
    ndk: Path | None = None
    cpus: tuple[int, ...] | None = None  # --clusters; None: every cluster


@dataclass
class DeviceOutcome:
    """What a device gave."""

    name: str
    samples: int = 0
    codes: list[ExitCode] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    def fail(self, code: ExitCode, message: str) -> None:
        """Notes a failure; the run goes on elsewhere."""
        self.codes.append(code)
        self.messages.append(message)
