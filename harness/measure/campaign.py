"""Many devices at once: one worker each, the programs built before anything is timed, one outcome for all."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from harness.devices.base import Device
from harness.errors import DeviceError, UsageError
from harness.measure.clusters import planned, targets
from harness.measure.progress import DeviceProgress, Display
from harness.measure.request import DeviceOutcome, Request
from harness.measure.session import Session
from harness.store.rundir import RunDir, device_names, slug
from harness.toolchain.builder import Built, build
from harness.toolchain.toolchain import DEFAULT_ABI, HOST

LOCAL = "local"


@dataclass(frozen=True)
class Programs:
    """convbench for each kind of device of a run."""

    by_abi: dict[str, Built]
    abi: str

    def of(self, device: Device) -> Built:
        """The program for a device; raises DeviceError where its ABIs do not fit."""
        if device.identity.kind == LOCAL:
            return self.by_abi[HOST]
        if self.abi not in device.identity.abis:
            has = ", ".join(device.identity.abis) or "none that it tells"
            raise DeviceError(f"the device does not run {self.abi}: its ABIs are {has}", "leave it out with --device")
        return self.by_abi[self.abi]


def named(devices: Sequence[Device]) -> list[tuple[str, Device]]:
    """Devices with their folder names, unique in a run; ``local`` is this machine's alone."""
    pairs = []
    for device in devices:
        local = device.identity.kind == LOCAL
        model = LOCAL if local else device.identity.model
        pairs.append((f"phone {model}" if slug(model) == LOCAL and not local else model, device.serial))
    return list(zip(device_names(pairs), devices, strict=True))


def build_programs(devices: Sequence[Device], request: Request, say: Callable[[str], None]) -> Programs:
    """Builds what these devices need, and nothing else. Raises UsageError or InfrastructureError."""
    kinds = {device.identity.kind for device in devices}
    abi = request.abi or DEFAULT_ABI
    if kinds == {LOCAL}:
        if request.abi not in (None, HOST):
            raise UsageError(f"--abi {request.abi} does not run on `local`", "leave the option out, or attach a phone")
        if request.ndk is not None:
            raise UsageError("--ndk is for phones, and only `local` is measured", "leave the option out")
        return Programs({HOST: build(HOST, request.toolchain, None, say)}, HOST)
    if abi == HOST:
        raise UsageError("--abi host does not run on a phone", "leave the option out, or name --device local")
    built = {abi: build(abi, request.toolchain, request.ndk, say)}  # the options are about the phones
    if LOCAL in kinds:
        built[HOST] = build(HOST, "auto", None, say)
    return Programs(built, abi)


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


def measure_all(
    devices: Sequence[tuple[str, Device]],
    run: RunDir,
    request: Request,
    programs: Programs,
    stop: threading.Event,
) -> list[DeviceOutcome]:
    """Measures the devices, phones in parallel; this machine alone, after them, because it serves the phones."""
    progress = {name: DeviceProgress(name, device.identity.emulated) for name, device in devices}
    sessions = [
        (device, Session(device, name, run, request, programs.of, progress[name], stop)) for name, device in devices
    ]
    phones = [session for device, session in sessions if device.identity.kind != LOCAL]
    outcomes: list[DeviceOutcome] = []
    with Display(list(progress.values())):
        if phones:
            with ThreadPoolExecutor(max_workers=len(phones), thread_name_prefix="device") as pool:
                outcomes += pool.map(Session.measure, phones)
        for device, session in sessions:
            if device.identity.kind == LOCAL and not stop.is_set():
                leave_measured_cpu(device, request)
                outcomes.append(session.measure())
    return outcomes


def leave_measured_cpu(device: Device, request: Request) -> None:
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
