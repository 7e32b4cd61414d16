"""Layers x variants x launches as an ordered list of jobs. Pure: the same arguments give the same jobs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from harness.model.layer import Layer
from harness.model.policy import Policy
from harness.model.variant import AUTO, BEST, CHOSEN, PUBLISHED, WITH_SCHEDULES, Asked, copy_name, parse_asked
from harness.plan.shuffle import derive_seed, shuffled


@dataclass(frozen=True)
class PlannedVariant:
    """A variant of a plan. ``index`` is its number there; ``build`` that of its program.

    ``label``: recorded as the variant's name instead of what ran, where not empty. ``shares_placement``: its buffers
    lie where those of the round's other variants that share it lie.
    """

    index: int
    asked: Asked
    cache: str
    build: int = 0
    threads: int = 1
    label: str = ""
    shares_placement: bool = False


@dataclass(frozen=True)
class Job:
    """One layer in one launch: ``rounds`` rounds over ``variants`` (indices), from ``first_round`` on.

    ``done`` holds the (round, position) pairs that were measured before and are left out.
    """

    launch: int
    layer: str
    seed: int
    rounds: int
    variants: tuple[int, ...]
    done: tuple[tuple[int, int], ...] = ()
    first_round: int = 0


def make_variants(
    algorithms: Sequence[str],
    cache: Sequence[str],
    faces: Sequence[str] = (PUBLISHED,),
    workers: Sequence[str] = (),
    threads: Sequence[int] = (1,),
    *,
    aa: bool = False,
    others: int = 0,
) -> tuple[PlannedVariant, ...]:
    """Every algorithm in every cache mode on every number of threads, numbered from 0.

    Face ``published``: the algorithms with the default schedule. Face ``best``: those that have several with the one
    that the library chooses, and ``auto``. Schedules by name, ``auto`` and ``fft`` among the algorithms are measured
    whatever the faces. All of ours share the places of a round. ``others``: further builds of the library, numbered
    from 1, each of which has all of that, too.
    ``workers``: names of somebody else's, each of which has a build of its own, numbered behind them. ``aa``: indirect
    as published, or else the first, once more under another name; of several builds that of the first further one,
    which ours is measured against; its buffers have places of their own, so that it has all the noise that a pair may
    have. Raises ValueError for an algorithm that there is not.
    """
    wanted = [_asked(name) for name in algorithms]
    plain = [each for each in wanted if each.is_default and each.algorithm != AUTO]
    ways = [each for each in plain if PUBLISHED in faces or each.face == BEST]
    ways += [each for each in wanted if not each.is_default]
    ways += [Asked(each.algorithm, CHOSEN) for each in plain if each.algorithm in WITH_SCHEDULES and BEST in faces]
    ways += [Asked(AUTO)] * (Asked(AUTO) in wanted or BEST in faces)
    builds = [(way, build) for build in range(1 + others) for way in dict.fromkeys(ways)]
    builds += [(Asked(name), build) for build, name in enumerate(workers, start=1 + others)]
    every = [(way, mode, build, count) for way, build in builds for count in threads for mode in cache]
    variants = [PlannedVariant(n, *each, shares_placement=each[2] <= others) for n, each in enumerate(every)]
    if aa and ways:
        twice = Asked("indirect") if Asked("indirect") in ways else ways[0]
        label = copy_name(twice.name)
        places = [(mode, count) for count in threads for mode in cache]
        variants += [
            PlannedVariant(number, twice, mode, min(others, 1), count, label)
            for number, (mode, count) in enumerate(places, start=len(every))
        ]
    return tuple(variants)


def _asked(name: str) -> Asked:
    asked = parse_asked(name)
    if asked is None:
        raise ValueError(f"{name!r} names no algorithm")
    return asked


def make_jobs(
    layers: Iterable[Layer],
    policy: Policy,
    seed: int,
    cluster: str = "",
    variants: Sequence[PlannedVariant] = (),
    device: str = "",
    further: Mapping[str, int] = MappingProxyType({}),
) -> list[Job]:
    """All jobs of a cluster, grouped by launch; the layers' order is drawn anew for each launch.

    ``further``: the launches of layers that have more than the policy's.

    Seeds depend on seed, device, cluster, launch and the layer's name only: leaving out other layers changes none.
    """
    names = [layer.name for layer in layers]
    indices = tuple(variant.index for variant in variants)
    jobs = []
    for launch in range(max([policy.launches, *further.values()])):
        of_launch = [name for name in names if launch < max(policy.launches, further.get(name, 0))]
        for name in shuffled(of_launch, derive_seed(seed, "order", device, cluster, launch)):
            job_seed = derive_seed(seed, "job", device, cluster, launch, name)
            jobs.append(Job(launch, name, job_seed, policy.rounds, indices))
    return jobs


# What a sample costs beside its timed calls (placement, settling, probes), and a launch (new process, probes).
_SAMPLE_OVERHEAD_S = 0.02
LAUNCH_OVERHEAD_S = 1.5
_EXTRA_CALLS = 3  # two to settle at least, one untimed before the window


def estimate_s(
    jobs: Sequence[Job],
    layers: Iterable[Layer],
    policy: Policy,
    *,
    flops: float = 2e10,
    gate_s: float = 0.0,
) -> float:
    """Seconds that the jobs of one cluster take, roughly; they are held to the policy's budget.

    ``flops``: assumed FLOP per second of the core; ``gate_s``: expected wait for a cool device before each launch.
    """
    flop = {layer.name: layer.flop for layer in layers}
    blocks: dict[str, float] = defaultdict(float)  # of each layer
    most: dict[str, float] = {}
    for job in jobs:
        call_s = flop[job.layer] / flops
        sample_s = _SAMPLE_OVERHEAD_S + _EXTRA_CALLS * call_s + max(call_s, policy.min_ms / 1000)
        samples = len(job.variants) * (job.rounds - job.first_round) - len(job.done)
        one_round_s = len(job.variants) * sample_s
        most[job.layer] = max(policy.block_budget_s, policy.launches * one_round_s)
        share_s = max(policy.block_budget_s / policy.budgeted_launches, one_round_s)
        blocks[job.layer] += min(max(samples, 0) * sample_s, share_s)
    total = sum(min(seconds, most[name]) for name, seconds in blocks.items())
    return total + len({job.launch for job in jobs}) * (LAUNCH_OVERHEAD_S + gate_s)


def latest_s(jobs: Sequence[Job], policy: Policy, *, gate_cap_s: float) -> int:
    """A deadline for the whole plan that only a stuck run misses: budgets and gates at their caps, three times over."""
    launches = len({job.launch for job in jobs})
    blocks = len(jobs) * policy.block_budget_s / policy.budgeted_launches
    return int(60 + launches * (gate_cap_s + 60) + 3 * blocks + 5 * len(jobs))
