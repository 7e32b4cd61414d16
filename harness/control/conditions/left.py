"""What this host remembers of a device: settings to put back, a quarantine, who is using it."""

from __future__ import annotations

from harness.control import host_lock, quarantine, settings
from harness.control.host_lock import Unlockable
from harness.control.quarantine import Quarantine
from harness.devices.base import Device
from harness.devices.phone_id import PhoneId


def pending(device: Device) -> tuple[str, ...]:
    """The settings that an earlier run left changed."""
    return tuple(change.setting for change in settings.pending(PhoneId.of(device.identity)))


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


def leases() -> tuple[tuple[str, ...], str]:
    """Who holds devices of this host; and why none can be reserved, empty where they can."""
    try:
        return tuple(str(holder) for _, holder in host_lock.holders()), ""
    except (Unlockable, OSError) as error:
        return (), str(error)
