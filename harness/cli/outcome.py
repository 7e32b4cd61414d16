"""What a command ended with: its exit code, and what it prints on stdout."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.cli.say import result, result_json
from harness.exit_codes import ExitCode

SCHEMA = 1  # of --json (docs/harness.schema.json)


@dataclass(frozen=True)
class Outcome:
    """``lines`` are the result as text; ``value`` is the same for --json."""

    code: ExitCode = ExitCode.DONE
    lines: tuple[str, ...] = ()
    value: Mapping[str, Any] = field(default_factory=dict)

    def show(self, command: str, *, as_json: bool = False) -> ExitCode:
        """Prints the result of the command of that name; gives the exit code."""
        if as_json:
            result_json(answer(command, self.code, self.value))
        else:
            for line in self.lines:
                result(line)
        return self.code


def answer(command: str, code: ExitCode, value: Mapping[str, Any]) -> dict[str, Any]:
    """What --json prints: which command it was, how it ended, and what it has to say."""
    return {"schema": SCHEMA, "command": command, **value, "exit_code": int(code)}


def failure(command: str, code: ExitCode, message: str, remedy: str = "") -> dict[str, Any]:
    """What --json prints of a command that has no result."""
    return answer(command, code, {"error": {"message": message, "remedy": remedy or None}})
