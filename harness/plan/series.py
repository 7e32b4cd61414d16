"""Jobs of a sustained suite: one variant of one layer in a launch of its own. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.model.layer import Layer
from harness.model.policy import Policy
from harness.plan.jobs import LAUNCH_OVERHEAD_S, Job, PlannedVariant
from harness.plan.shuffle import derive_seed, shuffled


def make_series(
    layers: Iterable[Layer],
    policy: Policy,
    seed: int,
    cluster: str = "",
    variants: Sequence[PlannedVariant] = (),
    device: str = "",
) -> list[Job]:
    """All series of a cluster; the order of layers and variants is drawn anew for each repetition.

    Each has a launch, so that it begins with a process of its own on a device that is cool again.
    """
    pairs = [(layer.name, variant.index) for layer in layers for variant in variants]
    jobs: list[Job] = []
    for repetition in range(policy.sustained.launches):
        for name, index in shuffled(pairs, derive_seed(seed, "order", device, cluster, repetition)):
            job_seed = derive_seed(seed, "job", device, cluster, repetition, name)
            jobs.append(Job(len(jobs), name, job_seed, policy.rounds, (index,)))
    return jobs


def series_s(jobs: Sequence[Job], policy: Policy) -> float:
    """Seconds that series take, without their gates."""
    return len(jobs) * (policy.sustained.seconds + LAUNCH_OVERHEAD_S)


def latest_series_s(jobs: Sequence[Job], policy: Policy, *, gate_cap_s: float) -> int:
    """A deadline for the whole plan that only a stuck run misses: gates at their caps, series of twice their length."""
    return int(60 + len(jobs) * (gate_cap_s + 60 + 2 * policy.sustained.seconds))
