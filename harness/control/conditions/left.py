"""What this host remembers of a device: settings to put back, a quarantine, who is using it."""

from __future__ import annotations

from harness.control import host_lock, quarantine, settings
from harness.control.host_lock import Unlockable
from harness.control.quarantine import Quarantine
from harness.devices.base import Device
from harness.devices.phone_id import PhoneId


def pending(device: Device) -> bool:
    """Whether an earlier run left settings of the phone changed."""
    return bool(settings.pending(PhoneId.of(device.identity)))


def in_use(device: Device) -> bool:
    """Whether a run of this host is using the device: what lies and runs on it is that run's."""
    digest = PhoneId.of(device.identity).digest
    try:
        return any(name == digest for name, _ in host_lock.holders())
    except (Unlockable, OSError):
        return False


def quarantined(device: Device) -> Quarantine | None:
    """The quarantine of the phone; None where it is in none."""
    return quarantine.of(PhoneId.of(device.identity))


def unusable_leases() -> str:
    """Why no device can be reserved on this host; empty where that works."""
    try:
        host_lock.folder()
    except Unlockable as error:
        return str(error)
    return ""
