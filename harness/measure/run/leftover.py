"""What is left to measure of a run: told from its directory alone, without its devices."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from harness.control.settings import pending
from harness.devices.phone_id import PhoneId
from harness.measure.clusters import not_superseded
from harness.measure.planning import measured, variants_of
from harness.measure.request import Request
from harness.measure.run.repetition import is_to_look
from harness.plan.jobs import Job
from harness.plan.remaining import remaining
from harness.store.progress import Done
from harness.store.rundir import RunDir

_MOST_NAMES = 8


def unmeasured(run: RunDir, name: str, request: Request) -> dict[str, list[Job]]:
    """The jobs of a device that are planned and not done, by cluster.

    Clusters that are done are left out, and those that --allow CORES_FORBIDDEN does without.
    """
    done = run.ledger.done(name)
    seen = [label for label, known in done.items() if known.has_samples]
    left: dict[str, list[Job]] = {}
    for label in not_superseded(run.ledger.clusters(name), seen):
        if _is_done_without(run, name, label):
            continue
        jobs = [
            Job(launch, layer, 0, request.policy.rounds, tuple(range(len(variants_of(request, label)))))
            for launch, layer in run.ledger.jobs(name, label)
        ]
        if missing := remaining(jobs, measured(done.get(label, Done()))):
            left[label] = missing
    return left


def _is_done_without(run: RunDir, name: str, label: str) -> bool:
    """Whether the cluster was out of reach when it was last to be measured, and that was allowed."""
    events = [e for e in run.device(name).events.named("out of reach", "spawning") if e.get("cluster") == label]
    return bool(events) and events[-1].get("allowed") is True


def words(jobs: Sequence[Job], layers: Sequence[str]) -> str:
    """Which launches and layers jobs are of; ``layers``: all that the run has."""
    by_launch = [(launch, [job.layer for job in group]) for launch, group in groupby(jobs, lambda job: job.launch)]
    parts = []
    for same, group in groupby(by_launch, lambda pair: [layer for layer in layers if layer in pair[1]]):
        numbers = [launch + 1 for launch, _ in group]
        parts.append(f"{_launches(numbers)}: {_layers(same, len(layers))}")
    return "; ".join(parts)


def _launches(numbers: Sequence[int]) -> str:
    if len(numbers) == 1:
        return f"launch {numbers[0]}"
    whole = numbers[-1] - numbers[0] + 1 == len(numbers)
    return f"launches {numbers[0]} to {numbers[-1]}" if whole else f"launches {', '.join(map(str, numbers))}"


def _layers(names: Sequence[str], all_of_them: int) -> str:
    if len(names) == all_of_them and all_of_them > 1:
        return f"all {all_of_them} layers"
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def nothing_left(run: RunDir, request: Request) -> bool:
    """Whether the run has ended, every job of every device is on record, and the devices are as they were before."""
    kept = run.manifest()
    if kept.status not in ("done", "failed") or kept.finished is None:
        return False
    return all(is_complete(run, name, request) for name in kept.devices)


def is_complete(run: RunDir, name: str, request: Request) -> bool:
    """Whether all of a device is measured, and the device is as it was before."""
    directory, clusters = run.device(name), run.ledger.clusters(name)
    if not clusters or unmeasured(run, name, request):
        return False
    seen = [label for label, known in run.ledger.done(name).items() if known.has_samples]
    here = [label for label in not_superseded(clusters, seen) if not _is_done_without(run, name, label)]
    if any(is_to_look(request, directory.events, label) for label in here):
        return False
    # "failed" is also what a session ended with whose folder stays on the device.
    last = directory.events.named("installed", "spawned", "removed", "left for resume")[-1:]
    removed = [event["event"] for event in last] == ["removed"]
    phone = PhoneId.read_or_none(directory.identity)
    if phone is None:
        return False
    damaged: list[str] = []  # nobody knows what was changed
    return removed and not pending(phone, damaged.append) and not damaged
