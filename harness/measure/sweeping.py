"""What dead runs left on a device is out of the way before anything is measured there."""

from __future__ import annotations

from collections.abc import Callable

from harness.control.orphans import sweep
from harness.devices.base import Device
from harness.errors import DeviceError, DeviceLost
from harness.measure.outcome import DeviceOutcome
from harness.model.condition import Condition
from harness.store.journal import EventLog


def swept(device: Device, own: str, outcome: DeviceOutcome, events: EventLog, say: Callable[[str], None]) -> None:
    """Stops programs and removes folders of other runs than ``own``. What cannot be stopped is a condition.

    Raises DeviceLost.
    """
    try:
        done = sweep(device, own)
    except DeviceLost:
        raise
    except DeviceError as error:
        outcome.stamp(Condition("ORPHANS", f"what dead runs left is still there: {error.message}"), events)
        return
    if done.lines:
        events.add("orphans", stopped=done.stopped, removed=done.removed, kept=[each.run for each in done.kept])
    for line in done.lines:
        say(line)
