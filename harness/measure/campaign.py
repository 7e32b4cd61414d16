"""Many devices at once: one worker each, the programs built before anything is timed, one outcome for all."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from harness.build.builder import Built, build
from harness.devices.base import Device
from harness.errors import DeviceError, UsageError
from harness.measure.clusters import targets
from harness.measure.progress import DeviceProgress, Display
from harness.measure.request import DeviceOutcome, Request
from harness.measure.session import Session
from harness.store.rundir import RunDir, device_names


@dataclass(frozen=True)
class Programs:
    """convbench for each kind of device of a run."""

    by_abi: dict[str, Built]
    abi: str

    def of(self, device: Device) -> Built:
        """The program for a device; raises DeviceError where its ABIs do not fit."""
        if device.identity.kind == "local":
            return self.by_abi["host"]
        if self.abi not in device.identity.abis:
            has = ", ".join(device.identity.abis) or "none that it tells"
            raise DeviceError(f"the device does not run {self.abi}: its ABIs are {has}", "leave it out with --device")
        return self.by_abi[self.abi]


def named(devices: Sequence[Device]) -> list[tuple[str, Device]]:
    """Devices with their folder names, unique in a run."""
    pairs = [("local" if d.identity.kind == "local" else d.identity.model, d.serial) for d in devices]
    return list(zip(device_names(pairs), devices, strict=True))


def build_programs(devices: Sequence[Device], request: Request, say: Callable[[str], None]) -> Programs:
    """Builds what these devices need, and nothing else. Raises UsageError or InfrastructureError."""
    kinds = {device.identity.kind for device in devices}
    if "adb" in kinds and request.abi == "host":
        raise UsageError("--abi host does not run on a phone", "leave the option out, or name --device local")
    built: dict[str, Built] = {}
    if "local" in kinds:
        # With phones too, --toolchain and --ndk are about them.
        alone = kinds == {"local"}
        built["host"] = build("host", request.toolchain if alone else "auto", request.ndk if alone else None, say)
    if "adb" in kinds:
        built[request.abi] = build(request.abi, request.toolchain, request.ndk, say)
    return Programs(built, request.abi)


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
    phones = [session for device, session in sessions if device.identity.kind != "local"]
    outcomes: list[DeviceOutcome] = []
    with Display(list(progress.values())):
        if phones:
            with ThreadPoolExecutor(max_workers=len(phones), thread_name_prefix="device") as pool:
                outcomes += pool.map(Session.measure, phones)
        for device, session in sessions:
            if device.identity.kind == "local" and not stop.is_set():
                _leave_measured_cpu(device, request)
                outcomes.append(session.measure())
    return outcomes


def _leave_measured_cpu(device: Device, request: Request) -> None:
    """Moves this process off the CPUs that will be measured, where another one is allowed.

    Programs started from here set their own affinity, so what they measure is not narrowed by this.
    """
    topology = device.topology()
    measured = {target.cpu for target in targets(topology, request.cpus)}
    rest = set(topology.allowed) - measured
    if not rest:
        return
    for thread in Path("/proc/self/task").iterdir():
        try:
            os.sched_setaffinity(int(thread.name), rest)
        except OSError:
            continue  # the thread has ended
