"""What is measured again after a cluster: as many further rounds as hold a tainted sample. Pure but for the records."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from harness.measure.run.clusterplan import ClusterPlan
from harness.plan.jobs import Job
from harness.plan.known import known_lines
from harness.store.progress import Done, done_by_cluster


def make_again(plan: ClusterPlan, records: Path, *, emulated: bool) -> ClusterPlan | None:
    """The next attempt at the plan's cluster, held to the policy's ``again_share`` of the budget; None: none is needed.

    Rounds are added behind those on record and none is replaced: what stays tainted is kept.
    """
    from harness.results.verdicts import tainted_rounds  # noqa: PLC0415  slow to load, not while measuring

    policy, label = plan.request.policy, plan.target.cluster.label
    if not policy.verdicts or not policy.again_share:
        return None
    lost = tainted_rounds(records, label, policy, emulated=emulated)
    done = done_by_cluster(records).get(label, Done())
    jobs = [_further(job, lost[job.launch, job.layer], done) for job in plan.jobs if (job.launch, job.layer) in lost]
    if not jobs:
        return None
    known = known_lines(dict.fromkeys(job.layer for job in jobs), plan.variants, done.calls, done.excluded)
    return replace(
        plan,
        attempt=plan.attempt + 1,
        jobs=tuple(jobs),
        planned=len(jobs),
        done=0,
        known=tuple(known),
        share=policy.again_share,
    )


def _further(job: Job, count: int, done: Done) -> Job:
    """The same job from the first round on that is behind all of it."""
    measured = [number for number, _ in done.samples.get((job.launch, job.layer), ())]
    first = max([job.rounds, *(number + 1 for number in measured)])
    return replace(job, first_round=first, rounds=first + count, done=())
