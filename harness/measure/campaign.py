"""Many devices at once: their clusters, and who is measured beside whom."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from harness.devices.base import Device
from harness.devices.local import own_cpus
from harness.errors import DeviceError, TransientError, UsageError
from harness.measure.called import Named
from harness.measure.clusters import planned, targets, threads_of
from harness.measure.context import Work
from harness.measure.request import Request

T = TypeVar("T")
Joining = Callable[[], Sequence[Named]]

_MOST_TOGETHER = 512  # threads that wait for phones, each started for one
_LOOK_S = 3.0  # for phones that join: the adb server alone is asked, no phone


def check_clusters(devices: Sequence[Device], request: Request) -> None:
    """Raises UsageError where no device has a cluster in --clusters, or one with CPUs for --threads.

    One that is away just now may have it.
    """
    least = min(request.threads)
    if request.cpus is None and least == 1:
        return
    reasons = []
    for device in devices:
        try:
            labels = [cluster.label for cluster in planned(device.topology(), request.cpus)]
        except TransientError:
            return  # its session waits for it, and finds out
        except DeviceError as error:
            reasons.append(error.message)
            continue
        if any(threads_of(label, (least,)) for label in labels):
            return
        reasons.append(f"--threads {least}: no cluster has so many CPUs ({', '.join(labels)})")
    raise UsageError(
        "; ".join(dict.fromkeys(reasons)), "see the clusters of these devices and their CPUs: harness devices"
    )


def in_turn(
    devices: Sequence[Named], measure: Callable[[str, Device], T], work: Work, joining: Joining | None = None
) -> list[T]:
    """What each device gives: phones in parallel; this machine after them and alone, because it serves the phones.

    ``joining`` gives phones that have joined since it was asked last: they are measured beside the others, or after
    this machine.
    """
    alone = [pair for pair in devices if pair[1].identity.capabilities.is_measured_alone]
    results = _together([pair for pair in devices if pair not in alone], measure, work, joining)
    for name, device in alone:
        if not work.stop.is_set():
            with _off_measured_cpus(device, work.request):
                results.append(measure(name, device))
    if alone and joining is not None and not work.stop.is_set():
        results += _together(joining(), measure, work, joining)
    return results


def _together(
    devices: Sequence[Named], measure: Callable[[str, Device], T], work: Work, joining: Joining | None
) -> list[T]:
    with ThreadPoolExecutor(max_workers=_MOST_TOGETHER, thread_name_prefix="device") as pool:
        begun = [pool.submit(measure, *pair) for pair in devices]
        running = set(begun)
        while running:
            _, running = wait(running, None if joining is None else _LOOK_S, FIRST_COMPLETED)
            joined = [] if joining is None or work.stop.is_set() else joining()
            more = [pool.submit(measure, *pair) for pair in joined]
            begun += more
            running |= set(more)
        return [one.result() for one in begun]


@contextmanager
def _off_measured_cpus(device: Device, request: Request) -> Iterator[None]:
    """Within the block this process is off the CPUs that are measured, where another one is allowed; then back on all.

    Programs started from here set their own affinity, so what they measure is not narrowed by this.
    """
    before = own_cpus()
    _move(_beside_measured(device, request))
    try:
        yield
    finally:
        _move(before)


def _beside_measured(device: Device, request: Request) -> set[int]:
    """CPUs that are allowed and not measured; none where there is none, or nobody knows."""
    try:
        topology = device.topology()
    except DeviceError:
        return set()  # whoever measures it finds out, and the phones' results are not lost
    found = targets(topology, planned(topology, request.cpus))
    most = [max(threads_of(target.cluster.label, request.threads), default=1) for target in found]
    every = {cpu for target, count in zip(found, most, strict=True) for cpu in target.cpus(count)}
    return set(topology.allowed) - every or set(topology.allowed) - {target.cpu for target in found}


def _move(cpus: set[int]) -> None:
    """Lets all threads of this process run on these CPUs; where none is named, they stay where they are."""
    if not cpus or not hasattr(os, "sched_setaffinity"):
        return
    for thread in Path("/proc/self/task").iterdir():
        try:
            os.sched_setaffinity(int(thread.name), cpus)
        except OSError:
            continue  # the thread has ended
