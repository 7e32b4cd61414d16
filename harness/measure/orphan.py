"""After a kill of the host: finds what runs on or lies on the device for this run, stops it, takes its records over."""

from __future__ import annotations

from harness.devices.base import RemoteProcess
from harness.measure.follow import Follower
from harness.measure.phone import Installed
from harness.store.recordsfile import RecordsFile
from harness.store.rundir import DeviceDir


def take_over(installed: Installed, directory: DeviceDir) -> None:
    """Stops the orphan, found by boot id, pid and start time, and appends what it wrote beyond what is here."""
    events, target = directory.events, RecordsFile(directory.records)
    cut = target.drop_cut_tail()
    if cut:
        events.add("cut tail", bytes=cut, where="records.jsonl")
    spawned = events.last("spawned")
    if spawned is None:
        return
    device = installed.device
    try:
        process = RemoteProcess(int(spawned["pid"]), int(spawned["start_ticks"]), str(spawned["boot_id"]))
        output, key = str(spawned["output"]), (str(spawned["cluster"]), int(spawned["attempt"]))
    except (KeyError, TypeError, ValueError):
        return
    if device.alive(process):
        device.kill(process)
        events.add("orphan stopped", pid=process.pid)
    if output not in device.list_dir(installed.folder):
        return
    header, known = target.last_run()
    if header is None or (header.cluster, header.attempt) != key:
        known = b""
    follower = Follower(device, f"{installed.folder}/{output}", target, events, lambda record: None)
    follower.resume_after(known)
    follower.pull_rest()
    events.add("orphan taken over", cluster=key[0], attempt=key[1])
