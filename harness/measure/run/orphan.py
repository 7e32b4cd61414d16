"""After a kill of the host: finds what runs on or lies on the device for this run, stops it, takes its records over."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from harness.measure.device_folder import DeviceFolder
from harness.measure.run.follow import Follower
from harness.store import records
from harness.store.journal import EventLog
from harness.store.recordsfile import RecordsFile
from harness.store.rundir import DeviceDir

Attempt = tuple[str, int]  # cluster, number


def attempts_of(events: EventLog) -> dict[Attempt, str]:
    """Every attempt that was, or may have been, started, with the name of its file of records; the newest last."""
    found: dict[Attempt, str] = {}
    for event in events.named("spawning", "spawned"):
        try:
            found[str(event["cluster"]), int(event["attempt"])] = str(event["output"])
        except (KeyError, TypeError, ValueError):
            continue  # damaged
    return found


def take_over(
    installed: DeviceFolder, directory: DeviceDir, take: Callable[[str, records.Record], None] = lambda *_: None
) -> None:
    """Stops this run's programs on the device, and appends what they wrote beyond what is here.

    ``take`` gets each of those records, with the label of its cluster.
    """
    events, target = directory.events, RecordsFile(directory.records)
    cut = target.drop_cut_tail()
    if cut:
        events.add("cut tail", bytes=cut, where="records.jsonl")
    attempts = attempts_of(events)
    if not attempts:
        return
    for pid in installed.stop_all():
        events.add("orphan stopped", pid=pid)
    present = installed.device.list_dir(installed.folder)
    runs = target.runs()
    newest = next(reversed(runs), None)
    for key, output in attempts.items():
        # What is here was taken over to its end before the next one began, save for the newest.
        if output not in present or (key in runs and key != newest):
            continue
        follower = Follower(installed.device, f"{installed.folder}/{output}", target, events, partial(take, key[0]))
        follower.resume_after(runs.get(key, b""))
        follower.pull_rest()
        events.add("orphan taken over", cluster=key[0], attempt=key[1])
