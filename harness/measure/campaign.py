"""Many devices at once: their names, their clusters, and who is measured beside whom."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from harness.devices.base import LOCAL, Device
from harness.devices.phone_id import PhoneId
from harness.errors import DeviceError, UsageError
from harness.measure.clusters import planned, targets
from harness.measure.context import Work
from harness.measure.request import Request
from harness.store.rundir import device_names, slug

T = TypeVar("T")
Named = tuple[str, Device]


def named(devices: Sequence[Device]) -> list[Named]:
    """Devices with their folder names, unique in a run; that of this machine is never a phone's."""
    pairs = []
    for device in devices:
        name = device.identity.capabilities.folder
        if not name:
            model = device.identity.model
            name = f"phone {model}" if slug(model) == LOCAL else model
        pairs.append((name, PhoneId.of(device.identity).key))
    return list(zip(device_names(pairs), devices, strict=True))


def check_clusters(devices: Sequence[Device], request: Request) -> None:
    """Raises UsageError where no device has a cluster in --clusters."""
    if request.cpus is None:
        return
    reasons = []
    for device in devices:
        try:
            planned(device.topology(), request.cpus)
        except DeviceError as error:
            reasons.append(error.message)
        else:
            return
    raise UsageError("; ".join(reasons), "name clusters of these devices, see: harness devices")


def in_turn(devices: Sequence[Named], measure: Callable[[str, Device], T], work: Work) -> list[T]:
    """What each device gives: phones in parallel; this machine after them and alone, because it serves the phones."""
    alone = [pair for pair in devices if pair[1].identity.capabilities.is_measured_alone]
    together = [pair for pair in devices if pair not in alone]
    results: list[T] = []
    if together:
        with ThreadPoolExecutor(max_workers=len(together), thread_name_prefix="device") as pool:
            results += pool.map(lambda pair: measure(*pair), together)
    for name, device in alone:
        if not work.stop.is_set():
            _leave_measured_cpu(device, work.request)
            results.append(measure(name, device))
    return results


def _leave_measured_cpu(device: Device, request: Request) -> None:
    """Moves this process off the CPUs that will be measured, where another one is allowed.

    Programs started from here set their own affinity, so what they measure is not narrowed by this.
    """
    topology = device.topology()
    measured = {target.cpu for target in targets(topology, planned(topology, request.cpus))}
    rest = set(topology.allowed) - measured
    if not rest:
        return
    for thread in Path("/proc/self/task").iterdir():
        try:
            os.sched_setaffinity(int(thread.name), rest)
        except OSError:
            continue  # the thread has ended
