"""Layers x variants x launches as an ordered list of jobs. Pure: the same arguments give the same jobs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from harness.plan.shuffle import derive_seed, shuffled


class PlannedLayer(Protocol):
    """What planning needs of a layer."""

    @property
    def name(self) -> str: ...

    @property
    def flop(self) -> int: ...


class PlannedPolicy(Protocol):
    """What planning needs of a policy (harness.model.policy.Policy has it)."""

    @property
    def launches(self) -> int: ...

    @property
    def rounds(self) -> int: ...

    @property
    def min_ms(self) -> float: ...

    @property
    def block_budget_s(self) -> float: ...


@dataclass(frozen=True)
class Variant:
    """One way to compute a layer and to time it. ``index`` is its number in the plan; ``build`` that of its program.

    ``kernel``: ``auto`` (the default one), ``best`` (chosen by layer and core) or a schedule. ``label``: recorded as
    the variant's name instead of what harness.store.records tells, where not empty.
    """

    index: int
    algorithm: str
    cache: str
    kernel: str = "auto"
    build: int = 0
    label: str = ""

    @property
    def asked(self) -> str:
        """What it is, before it is known what runs: ``indirect``, ``indirect/best``, ``auto``."""
        return self.algorithm if self.kernel == "auto" else f"{self.algorithm}/{self.kernel}"


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


CHOSEN = "auto"  # the algorithm that the library chooses
_WITH_BEST = ("im2col", "direct", "indirect")


def make_variants(
    algorithms: Sequence[str],
    cache: Sequence[str],
    faces: Sequence[str] = ("published",),
) -> tuple[Variant, ...]:
    """Every algorithm in every cache mode, numbered from 0.

    Face ``published``: the algorithms with the default kernel. Face ``best``: those that have one with their best
    schedule, and ``auto``. Among the algorithms ``auto`` and ``<algorithm>/best`` are measured whatever the faces.
    """
    plain = [name for name in algorithms if name != CHOSEN and "/" not in name]
    ways = [(name, "auto") for name in plain if "published" in faces]
    at_best = [name.removesuffix("/best") for name in algorithms if name.endswith("/best")]
    at_best += [name for name in plain if name in _WITH_BEST and "best" in faces]
    ways += [(name, "best") for name in dict.fromkeys(at_best)]
    ways += [(CHOSEN, "auto")] * (CHOSEN in algorithms or "best" in faces)
    every = [(way, mode) for way in ways for mode in cache]
    return tuple(Variant(i, name, mode, kernel) for i, ((name, kernel), mode) in enumerate(every))


def make_jobs(
    layers: Iterable[PlannedLayer],
    policy: PlannedPolicy,
    seed: int,
    cluster: str = "",
    variants: Sequence[Variant] | Sequence[int] = (),
    device: str = "",
) -> list[Job]:
    """All jobs of a cluster, grouped by launch; the layers' order is drawn anew for each launch.

    Seeds depend on seed, device, cluster, launch and the layer's name only: leaving out other layers changes none.
    """
    names = [layer.name for layer in layers]
    indices = tuple(v.index if isinstance(v, Variant) else v for v in variants)
    jobs = []
    for launch in range(policy.launches):
        for name in shuffled(names, derive_seed(seed, "order", device, cluster, launch)):
            job_seed = derive_seed(seed, "job", device, cluster, launch, name)
            jobs.append(Job(launch, name, job_seed, policy.rounds, indices))
    return jobs


# What a sample costs beside its timed calls (placement, settling, probes), and a launch (new process, probes).
_SAMPLE_OVERHEAD_S = 0.02
_LAUNCH_OVERHEAD_S = 1.5
_EXTRA_CALLS = 3  # two to settle at least, one untimed before the window


def estimate_s(
    jobs: Sequence[Job],
    layers: Iterable[PlannedLayer],
    policy: PlannedPolicy,
    *,
    flops: float = 2e10,
    gate_s: float = 0.0,
) -> float:
    """Seconds that the jobs of one cluster take, roughly; each block is held to the policy's budget.

    ``flops``: assumed FLOP per second of the core; ``gate_s``: expected wait for a cool device before each launch.
    """
    flop = {layer.name: layer.flop for layer in layers}
    total = 0.0
    for job in jobs:
        call_s = flop[job.layer] / flops
        sample_s = _SAMPLE_OVERHEAD_S + _EXTRA_CALLS * call_s + max(call_s, policy.min_ms / 1000)
        samples = len(job.variants) * (job.rounds - job.first_round) - len(job.done)
        one_round_s = len(job.variants) * sample_s
        total += min(max(samples, 0) * sample_s, max(policy.block_budget_s / policy.launches, one_round_s))
    return total + len({job.launch for job in jobs}) * (_LAUNCH_OVERHEAD_S + gate_s)


def latest_s(jobs: Sequence[Job], policy: PlannedPolicy, *, gate_cap_s: float) -> int:
    """A deadline for the whole plan that only a stuck run misses: budgets and gates at their caps, three times over."""
    launches = len({job.launch for job in jobs})
    blocks = len(jobs) * policy.block_budget_s / policy.launches
    return int(60 + launches * (gate_cap_s + 60) + 3 * blocks + 5 * len(jobs))
