"""What this host remembers of a phone: settings to put back, a quarantine, who is using it."""

from __future__ import annotations

from dataclasses import dataclass

from harness.control import settings
from harness.devices.base import Device
from harness.errors import HarnessError
from harness.paths import state_folder


@dataclass(frozen=True)
class Quarantine:
    """Why a phone was set aside, and until when."""

    reason: str
    until: str


def pending(device: Device) -> bool:
    """Whether an earlier run left settings of the phone changed."""
    return settings.pending(device.serial) is not None


def in_use(device: Device) -> bool:
    """Whether a run of this host is using the phone: what lies and runs on it is that run's."""
    del device
    return False


def quarantine(device: Device) -> Quarantine | None:
    """The quarantine of the phone; None where it is in none."""
    del device
    return None


def unusable_leases() -> str:
    """Why no device can be reserved on this host; empty where that works."""
    try:
        state_folder("leases")
    except HarnessError as error:
        return error.message
    return ""


def release(device: Device) -> bool:
    """Ends the quarantine of the phone; whether there was one."""
    del device
    return False
