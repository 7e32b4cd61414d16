"""What a command that measures goes by, and what its devices share while they are at work."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.devices.base import Attached, Device, Key
from harness.errors import DeviceError, NoDeviceError
from harness.measure.called import called
from harness.measure.programs import Programs
from harness.measure.request import Request
from harness.model.condition import Condition

if TYPE_CHECKING:
    from harness.measure.run.elsewhere import Elsewhere

Say = Callable[[str], None]
Stopping = Callable[[], AbstractContextManager[threading.Event]]
Newcomers = Callable[[Collection[Key], Sequence[Device]], Attached]


@dataclass(frozen=True)
class Context:
    """What is asked, of which devices; whom to tell what goes on.

    ``stopping`` gives the event that ends measuring in order; ``require``: how many devices there have to be;
    ``newcomers``: the usable phones that are attached by now, without those of the keys given, told apart from the
    devices given. It raises HarnessError.
    """

    request: Request
    attached: Attached
    say: Say
    stopping: Stopping
    require: int | None = None
    wait_s: float = 0.0  # --wait: how long a device that somebody else has is waited for
    newcomers: Newcomers | None = None  # None: the devices are those that were found
    quiet: bool = False  # no progress is shown
    elsewhere: Elsewhere | None = None  # who measures the devices; None: this process

    @property
    def some_unusable(self) -> bool:
        """Whether a device that was meant cannot be measured."""
        return bool(self.attached.unusable)

    def usable(self) -> list[Device]:
        """The devices to measure. Raises NoDeviceError where there are none, or fewer than required."""
        attached = self.attached
        names = called(attached.devices, attached.unusable)
        for bad in attached.unusable:
            self.say(f"{names[bad.key]}: {bad.state}: {bad.remedy}")
        if not attached.devices:
            if attached.unusable:
                states = "; ".join(f"{names[bad.key]} is {bad.state}: {bad.remedy}" for bad in attached.unusable)
                raise NoDeviceError(f"no usable device: {states}", "or measure this machine: --device local")
            raise NoDeviceError(
                "no phone is attached", "attach one with USB debugging on, or measure this machine: --device local"
            )
        count = len(attached.devices)
        if self.require is not None and count < self.require:
            raise NoDeviceError(
                f"{count} usable device{'s' * (count != 1)}, {self.require} required", "attach more, or lower --require"
            )
        return list(attached.devices)


@dataclass(frozen=True)
class Work:
    """What the devices of a command share while they are at work."""

    request: Request
    programs: Programs
    stop: threading.Event
    say: Say
    unfit: Mapping[str, DeviceError] = field(default_factory=dict)  # by name: why a device cannot run the workers
    wait_s: float = 0.0  # of the context
    conditions: Mapping[str, Sequence[Condition]] = field(
        default_factory=dict
    )  # by name: what results are stamped with
    to_ask: Collection[str] = frozenset()  # names of devices that were in use when they were to be asked
