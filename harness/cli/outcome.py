"""What a command ended with: its exit code, and what it prints on stdout."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.cli.say import result, result_json
from harness.exit_codes import ExitCode


@dataclass(frozen=True)
class Outcome:
    """``lines`` are the result as text; ``value`` is the same for --json, None for a command without that option."""

    code: ExitCode = ExitCode.DONE
    lines: tuple[str, ...] = ()
    value: Mapping[str, Any] | None = None

    def show(self, *, as_json: bool = False) -> ExitCode:
        """Prints the result; gives the exit code."""
        if as_json and self.value is not None:
            result_json(self.value)
        else:
            for line in self.lines:
                result(line)
        return self.code
