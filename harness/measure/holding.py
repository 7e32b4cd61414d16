"""A device that a command has for itself: its locks, whether it is still the one that was found, its conditions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from harness.control.lease import host_cpus, leased
from harness.devices.base import Device
from harness.measure.admission import ask_held, check_mended, mended
from harness.measure.context import Say, Work
from harness.model.condition import Condition

Stamp = Callable[[Condition], None]


@dataclass(frozen=True)
class Holding:
    """The device, with calls repeated while it is away, and how it is held. ``alone``: as in Lease."""

    device: Device
    alone: bool
    to_mend: Sequence[Condition] = ()  # what it had of that which the command sets right by itself

    def check_mended(self, work: Work, stamp: Stamp) -> None:
        """Once the command has set right what it can: stamps what is left. Raises DeviceError where that stops."""
        for condition in self.to_mend:
            if (found := check_mended(self.device, condition, work.request.allow)) is not None:
                stamp(found)


@contextmanager
def holding(
    name: str,
    raw: Device,
    device: Device,
    work: Work,
    run: str,
    *,
    say: Say,
    stamp: Stamp,
    stamp_later: Stamp,
    confirm: Callable[[], None],
) -> Iterator[Holding]:
    """Holds a device that was admitted within the block, and stamps what is measured there with its conditions.

    ``device`` is ``raw`` with calls repeated while it is away; ``run`` what others are told that it is held for.
    ``stamp_later`` is called from another thread; ``confirm`` as soon as the device is held. Raises DeviceError where
    somebody else has it, another one answers, or it was not asked before and may not be measured.
    """
    with (
        leased(
            device, wait_s=work.wait_s, stop=work.stop, say=say, run=run, renewed_by=raw, stamp=stamp_later
        ) as lease,
        host_cpus(device.identity, work.stop, say, run) as of_cpus,
    ):
        confirm()
        conditions = tuple(work.conditions.get(name, ()))
        to_mend = mended(work.request.policy)
        if name in work.to_ask:
            conditions += tuple(ask_held(raw, work.request.allow, say, to_mend))
        for condition in (*lease.conditions, *of_cpus, *conditions):
            if condition not in to_mend:
                stamp(condition)
        yield Holding(device, lease.alone, [each for each in conditions if each in to_mend])
