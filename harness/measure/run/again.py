"""What is measured again after a cluster: as many further rounds as hold a tainted sample. Pure but for the records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from harness.measure.clusters import Target
from harness.measure.request import Request
from harness.measure.run.clusterplan import ClusterPlan, make_plan
from harness.plan.known import known_lines
from harness.store.progress import Done


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

    Rounds are added behind those on record and none is replaced: what stays tainted is kept.
    """
    from harness.results.verdicts import tainted_rounds  # noqa: PLC0415  slow to load, not while measuring

    policy = request.policy
    if not policy.verdicts or not policy.again_share:
        return None
    plan = make_plan(request, target, Done(), name, {layer: of_it.stop for layer, of_it in launches.items()})
    tainted = tainted_rounds(records, target.cluster.label, policy, emulated=emulated)
    jobs = []
    for job in plan.jobs:
        found = tainted.get((job.launch, job.layer))
        if found is not None and job.launch in launches.get(job.layer, ()):
            first = max(job.rounds, found.latest + 1)
            jobs.append(replace(job, first_round=first, rounds=first + found.count))
    if not jobs:
        return None
    known = known_lines(dict.fromkeys(job.layer for job in jobs), plan.variants, done.calls, done.excluded)
    return replace(
        plan,
        attempt=done.attempts + 1,
        jobs=tuple(jobs),
        planned=len(jobs),
        known=tuple(known),
        share=policy.again_share,
    )
