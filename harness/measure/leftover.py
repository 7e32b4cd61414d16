"""Whether anything is left to do of a run: told from its directory alone, without its devices."""

from __future__ import annotations

import json

from harness.control.settings import pending
from harness.store.journal import read_lines
from harness.store.progress import Done, done_by_cluster
from harness.store.rundir import RunDir


def nothing_left(run: RunDir) -> bool:
    """Whether the run has ended, every job of every device is on record, and the devices are as they were before."""
    kept = run.manifest()
    if kept.status not in ("done", "failed") or kept.finished is None:
        return False
    jobs = read_lines(run.path / "plan.jsonl")
    return all(_complete(run, name, [job for job in jobs if job.get("device") == name]) for name in kept.devices)


def _complete(run: RunDir, name: str, jobs: list[dict[str, object]]) -> bool:
    directory = run.device(name)
    done = done_by_cluster(directory.records)
    measured = all(
        (job.get("launch"), job.get("layer")) in done.get(str(job.get("cluster")), Done()).blocks for job in jobs
    )
    # "failed" is also what a session ended with whose folder stays on the device.
    last = directory.events.named("installed", "spawned", "removed", "left for resume")[-1:]
    removed = [event["event"] for event in last] == ["removed"]
    try:
        serial = str(json.loads(directory.identity.read_bytes())["identity"]["serial"])
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return bool(jobs) and measured and removed and pending(serial) is None
