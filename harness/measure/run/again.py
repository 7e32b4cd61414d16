"""What is measured again after a cluster: as many further rounds as hold a tainted sample. Pure but for the records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from harness.measure.clusters import Target
from harness.measure.request import Request
from harness.measure.run.clusterplan import ClusterPlan, known_of, make_plan
from harness.model.policy import Policy
from harness.store.journal import EventLog
from harness.store.progress import Done

BEGUN = "measured again"  # an event: a further attempt at a cluster
ENDED = "measuring again ended"  # an event: how many launches of each layer need no further attempt for their taint


def launches_left(events: EventLog, label: str, planned: Mapping[str, int]) -> dict[str, range]:
    """Launches of a cluster's layers whose tainted rounds no attempt has yet come to the end of measuring again.

    ``planned``: how many each layer has.
    """
    ended: dict[str, int] = {}
    for event in events.named(ENDED):
        launches = event.get("launches")
        for layer, count in launches.items() if event.get("cluster") == label and isinstance(launches, dict) else ():
            ended[layer] = max(ended.get(layer, 0), count if isinstance(count, int) else 0)
    return {layer: range(ended.get(layer, 0), count) for layer, count in planned.items() if count > ended.get(layer, 0)}


def is_to_measure_again(request: Request, events: EventLog, label: str, planned: Mapping[str, int]) -> bool:
    """Whether measuring again was cut off, or not begun, once all is measured that is planned."""
    return _has_use(request.policy) and bool(launches_left(events, label, planned))


def _has_use(policy: Policy) -> bool:
    return policy.verdicts and policy.again_share > 0


def make_again(
    request: Request,
    target: Target,
    done: Done,
    records: Path,
    launches: Mapping[str, range],
    *,
    name: str,
    emulated: bool,
) -> ClusterPlan | None:
    """A further attempt at a cluster of device ``name``, held to the policy's ``again_share``; None: none is needed.

    ``launches``: those that are looked at, of each layer.

    Rounds are added behind those on record and none is replaced: what stays tainted is kept. Those that an attempt had
    added before it was cut off count.
    """
    from harness.results.verdicts import tainted_rounds  # noqa: PLC0415  slow to load, not while measuring

    policy = request.policy
    if not _has_use(policy):
        return None
    plan = make_plan(request, target, Done(), name, {layer: of_it.stop for layer, of_it in launches.items()})
    tainted = tainted_rounds(records, target.cluster.label, policy, emulated=emulated)
    jobs = []
    for job in plan.jobs:
        found = tainted.get((job.launch, job.layer))
        if found is not None and job.launch in launches.get(job.layer, ()):
            first = max(job.rounds, max(found.every) + 1)
            count = sum(number < job.rounds for number in found.tainted)
            count -= sum(number >= job.rounds for number in found.every)
            if count > 0:
                jobs.append(replace(job, first_round=first, rounds=first + count))
    if not jobs:
        return None
    return replace(
        plan,
        attempt=done.attempts + 1,
        jobs=tuple(jobs),
        planned=len(jobs),
        known=known_of(request, jobs, plan.variants, done),
        share=policy.again_share,
    )
