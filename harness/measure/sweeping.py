"""What dead runs left on a device is out of the way before anything is measured there."""

from __future__ import annotations

from collections.abc import Callable

from harness.control import quarantine
from harness.control.orphans import sweep
from harness.devices.base import Device
from harness.devices.phone_id import PhoneId
from harness.errors import DeviceError, DeviceLost, HarnessError, Unkillable
from harness.measure.outcome import DeviceOutcome
from harness.model.condition import Condition
from harness.store.journal import EventLog


def quarantined(error: HarnessError, device: Device, outcome: DeviceOutcome) -> None:
    """Keeps a phone whose programs cannot be killed from being measured next."""
    if not isinstance(error, Unkillable) or not device.identity.capabilities.has_lock:
        return
    with outcome.noting():
        held = quarantine.put(PhoneId.of(device.identity), quarantine.UNKILLABLE)
        outcome.warn(f"the phone is in quarantine {held.text}\n  harness doctor --release ends it")


def swept(
    device: Device, own: str, outcome: DeviceOutcome, events: EventLog, say: Callable[[str], None], *, alone: bool
) -> None:
    """Stops programs and removes folders of other runs than ``own``. What cannot be removed is a condition.

    ``alone``: see Lease. Raises DeviceLost, and Unkillable: nothing is measured beside programs that go on.
    """
    quarantine.of(PhoneId.of(device.identity), say, aside=True)
    try:
        done = sweep(device, own, alone=alone)
    except (DeviceLost, Unkillable):
        raise
    except DeviceError as error:
        outcome.stamp(Condition("ORPHANS", f"what dead runs left is still there: {error.message}"), events)
        return
    if done.lines:
        kept, spared = ([each.run for each in some] for some in (done.kept, done.spared))
        events.add("orphans", stopped=done.stopped, removed=done.removed, kept=kept, spared=spared)
    for line in done.lines:
        say(line)
