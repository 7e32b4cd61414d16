"""Errors that a user sees: what was wrong, where, and the remedy; each with its exit code (docs/formats.md)."""

from __future__ import annotations

from harness.exit_codes import ExitCode


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
    """A device failed, and would fail again: the rest of its work is given up, other devices go on."""


class TransientError(DeviceError):
    """A device failed of something that may pass: what can be done twice without harm is tried again."""


class DeviceLost(TransientError):
    """The connection is gone, in whatever way: broken, offline, not authorized at the moment, or it hangs."""


class Unkillable(DeviceError):
    """Programs on the device go on, whatever is done: what is measured beside them cannot be believed."""


class WrongDevice(DeviceError):
    """Another device answers than the one that is meant: nothing of either is used for the other."""


class DeadlineExceeded(TransientError):
    """A command on the device ran past its total deadline and was stopped there."""


class NoDeviceError(HarnessError):
    """No usable device."""

    exit_code = ExitCode.NO_DEVICE
