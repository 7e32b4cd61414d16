"""One attempt at a cluster: its plan pushed, convbench started and followed, its records taken over, nothing left."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from harness.control.sources import NO_SOURCES, Sources
from harness.devices.base import Device, RemoteProcess
from harness.devices.identity import BOOT_ID, boot_id_in
from harness.errors import DeviceError
from harness.measure.device_folder import DeviceFolder
from harness.measure.lost_connection import Connection
from harness.measure.run.clusterplan import ClusterPlan
from harness.measure.run.follow import Follower
from harness.measure.run.intake import Intake
from harness.measure.run.progress import DeviceProgress
from harness.measure.tables import kept_table
from harness.store import records
from harness.store.journal import write_atomically
from harness.store.recordsfile import RecordsFile
from harness.store.rundir import DeviceDir, RunDir

_GRACE_S = 120.0  # beyond the deadline that convbench keeps by itself


@dataclass(frozen=True)
class Site:
    """What all attempts on a device share."""

    raw: Device
    installed: DeviceFolder  # its device waits where the connection is away
    run: RunDir
    directory: DeviceDir
    connection: Connection
    intake: Intake
    progress: DeviceProgress
    stop: threading.Event
    sources: Sources = NO_SOURCES

    @property
    def device(self) -> Device:
        """The device; calls wait where it is away."""
        return self.installed.device


@dataclass(frozen=True)
class Ending:
    """How an attempt ended: ``why`` before its end, or empty. ``passing``: a further attempt may come to its end."""

    why: str = ""
    passing: bool = False
    cpu_gone: bool = False


def attempt(site: Site, plan: ClusterPlan, take: Callable[[records.Record], None]) -> Ending:
    """Measures what the plan has. ``take`` gets every record once.

    Raises DeviceLost where the device is away for too long, DeviceError where it rebooted.
    """
    device, installed, label = site.device, site.installed, plan.target.cluster.label
    remote = _push_plan(site, plan)
    process = installed.start(f"{remote}.plan", f"{remote}.jsonl", label, plan.attempt)
    target, events = RecordsFile(site.directory.records), site.directory.events
    follower = Follower(site.raw, f"{installed.folder}/{remote}.jsonl", target, events, take, site.connection)
    latest_s = plan.deadline_s(device.identity) + _GRACE_S
    try:
        follower.follow(process, site.stop, latest_s)
    finally:
        if follower.end is None:
            device.confirm()  # waits for the phone, where it is away
            try:
                device.kill(process)
            finally:  # of one that cannot be killed, too
                follower.pull_rest()
    if follower.overdue:
        late = f"convbench had not ended after {latest_s:.0f} s, though its own deadline was over, and was stopped"
        return Ending(f"cluster {label}: {late}")
    if site.stop.is_set():
        return Ending("stopped")
    return _ended(follower.end, plan) if follower.end else _without_end(site, process, label, f"{remote}.jsonl")


def _push_plan(site: Site, plan: ClusterPlan) -> str:
    """Brings the plan, and the table where there is one; how the names of its files begin on the device."""
    device, installed, label = site.device, site.installed, plan.target.cluster.label
    file = site.directory.plan(label, plan.attempt)
    table, tuned = kept_table(site.run, site.directory.path.name, label), ""
    if table is not None:
        tuned = f"{installed.folder}/{table.name}"
        device.push(table, tuned)
    heat, sources = site.intake.heat, site.sources
    text = plan.render(device.identity, site.run.run_id, installed.program, heat, tuned, sources, installed.others)
    write_atomically(file, text.encode("utf-8"))
    remote = f"{label}.{plan.attempt}"
    device.push(file, f"{installed.folder}/{remote}.plan")
    return remote


def _ended(end: records.End, plan: ClusterPlan) -> Ending:
    where = f"cluster {plan.target.cluster.label}"
    if end.reason == "cpu":
        cpu = plan.target.cpu
        return Ending(f"{where}: its CPU {cpu} was taken away while it was measured", passing=True, cpu_gone=True)
    if end.reason != "done":  # a signal that was not ours passes, its deadline would be the same again
        return Ending(f"{where}: convbench stopped early ({end.reason})", passing=end.reason == "signal")
    return Ending()


def _without_end(site: Site, process: RemoteProcess, label: str, output: str) -> Ending:
    boot_id = boot_id_in(site.device.read_files([BOOT_ID]))
    if process.boot_id and boot_id != process.boot_id:
        raise DeviceError(
            f"the device rebooted while cluster {label} was measured",
            f"what it measured is kept; go on with: harness run --resume {site.run.path}",
        )
    words = site.installed.last_words(output) or "it said nothing"
    return Ending(f"convbench on cluster {label} stopped without an end: {words}", passing=True)
