"""What this host remembers of a device: settings to put back, a quarantine; and who uses its devices."""

from __future__ import annotations

from dataclasses import dataclass

from harness.control import host_lock, quarantine, settings
from harness.control.host_lock import Unlockable
from harness.control.quarantine import Quarantine
from harness.devices.base import Device
from harness.devices.phone_id import PhoneId


@dataclass(frozen=True)
class Remembered:
    """What the files of this host tell of a device; of a damaged one what is wrong with it: it is left as it is."""

    pending: tuple[str, ...]  # settings that an earlier run left changed
    quarantine: Quarantine | None = None
    damaged_journal: str = ""
    damaged_quarantine: str = ""


def remembered(device: Device) -> Remembered:
    """Reads them. Raises HarnessError."""
    phone = PhoneId.of(device.identity)
    of_journal, of_quarantine = list[str](), list[str]()
    changes = settings.pending(phone, of_journal.append)
    held = quarantine.of(phone, of_quarantine.append)
    return Remembered(
        tuple(change.setting for change in changes), held, "; ".join(of_journal), "; ".join(of_quarantine)
    )


def leases() -> tuple[tuple[str, ...], str]:
    """The processes that hold devices of this host; and why none can be reserved, empty where they can."""
    try:
        processes = {holder.process: holder for _, holder in host_lock.holders()}
        return tuple(map(str, processes.values())), ""
    except (Unlockable, OSError) as error:
        return (), str(error)
