"""Errors that a user sees: what was wrong, where, and the remedy; each with its exit code (docs/formats.md)."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of the ``harness`` command."""

    DONE = 0
    WRONG_RESULT = 1
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


class HarnessError(Exception):
    """A failure told to the user as one message without a traceback.

    ``message`` says what was wrong and where; ``remedy`` what to do about it.
    """

    exit_code: ExitCode = ExitCode.INFRASTRUCTURE

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}\n  {self.remedy}" if self.remedy else self.message


class UsageError(HarnessError):
    """A wrong option, configuration file or combination of them."""

    exit_code = ExitCode.USAGE


class InfrastructureError(HarnessError):
    """The host, the build, the adb server or the disk failed."""

    exit_code = ExitCode.INFRASTRUCTURE


class DeviceError(InfrastructureError):
    """A device failed for good: the rest of its work is given up, other devices go on."""


class DeviceLost(DeviceError):
    """The connection broke; trying again later may succeed."""


class WrongDevice(DeviceError):
    """Another device answers than the one that is meant: nothing of either is used for the other."""


class DeadlineExceeded(DeviceError):
    """A command on the device ran past its total deadline and was stopped there."""


class NoDeviceError(HarnessError):
    """No usable device."""

    exit_code = ExitCode.NO_DEVICE
