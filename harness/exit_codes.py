"""The exit codes of the ``harness`` command, and which of several wins (docs/formats.md)."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of the ``harness`` command."""

    DONE = 0
    WRONG_RESULT = 1
    REGRESSION = 1  # the same code
    USAGE = 2
    INFRASTRUCTURE = 3
    TOO_LITTLE_DATA = 4
    NO_DEVICE = 5
    INTERRUPTED = 130


# Where several apply, the first of these wins.
PRECEDENCE = (
    ExitCode.INTERRUPTED,
    ExitCode.USAGE,
    ExitCode.NO_DEVICE,
    ExitCode.WRONG_RESULT,
    ExitCode.INFRASTRUCTURE,
    ExitCode.TOO_LITTLE_DATA,
)


def worst(codes: list[ExitCode]) -> ExitCode:
    """The exit code to report where several apply; DONE for none."""
    for code in PRECEDENCE:
        if code in codes:
            return code
    return ExitCode.DONE
