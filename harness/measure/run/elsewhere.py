"""Who measures the devices of a run where this process does not: the hosts of a lab (harness.hosts)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

from harness.devices.base import Attached, Device, Key
from harness.errors import DeviceError
from harness.measure.called import Named
from harness.measure.context import Work
from harness.measure.fitness import Read
from harness.measure.run.outcome import SessionOutcome
from harness.measure.run.progress import DeviceProgress
from harness.store.manifest import KeptScheduler
from harness.store.rundir import RunDir


class Elsewhere(Protocol):
    """Does for each device what a Session does here; the devices tell what they are, and are asked nothing else."""

    @property
    def portable(self) -> Sequence[str]:
        """Names of devices in whose place any other phone of the model will do."""
        ...

    @property
    def scheduler(self) -> KeptScheduler:
        """For the manifest: how it is reached again."""
        ...

    def why_not(self, devices: Sequence[Device], read: Read) -> Sequence[DeviceError | None]:
        """As harness.measure.fitness.asked_here: who has the devices asks them."""
        ...

    def newcomers(self, known: Collection[Key], beside: Sequence[Device]) -> Attached:
        """As Context.newcomers: devices that are there by now. Raises HarnessError."""
        ...

    def measure(
        self,
        run: RunDir,
        devices: Sequence[Named],
        work: Work,
        shown: Mapping[str, DeviceProgress],
        joining: Callable[[], Sequence[Named]],
    ) -> list[SessionOutcome]:
        """What each device gave; its folder in the run directory is whole. ``shown``: the progress of each.

        ``joining``: devices that have joined since it was asked last; the progress of each is shown by then.

        Whatever fails is in the outcomes, never raised.
        """
        ...
