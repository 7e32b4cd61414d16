"""What is left to measure after an interrupted run. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

from harness.plan.jobs import Job

JobKey = tuple[int, str]  # launch, layer
Place = tuple[int, int]  # round, position


@dataclass(frozen=True)
class Measured:
    """What the records of one device and cluster hold.

    ``jobs``: (launch, layer) of which nothing is missing but what the budget cut. ``samples``: per (launch, layer)
    the (round, position) pairs measured. ``rounds``: of other jobs that ended, as many as their budget allowed.
    """

    jobs: AbstractSet[JobKey] = frozenset()
    samples: Mapping[JobKey, AbstractSet[Place]] = field(default_factory=dict)
    rounds: Mapping[JobKey, int] = field(default_factory=dict)


def remaining(jobs: Sequence[Job], measured: Measured) -> list[Job]:
    """The jobs with something left, in their order, each without what was measured.

    Seeds stay, and with them the variant of every place; ``done`` and ``first_round`` leave out what exists.
    """
    left = (_left(job, measured) for job in jobs if (job.launch, job.layer) not in measured.jobs)
    return [job for job in left if job is not None]


def _left(job: Job, measured: Measured) -> Job | None:
    key = (job.launch, job.layer)
    job = replace(job, rounds=min(job.rounds, measured.rounds.get(key, job.rounds)))
    done = set(job.done) | set(measured.samples.get(key, ()))
    for round_number in range(job.first_round, job.rounds):
        if any((round_number, position) not in done for position in range(len(job.variants))):
            kept = sorted(p for p in done if round_number <= p[0] < job.rounds and p[1] < len(job.variants))
            return replace(job, first_round=round_number, done=tuple(kept))
    return None
