"""What every plan for convbench is made of: a cluster's jobs, the line that opens it, time for slow devices."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from harness import __version__
from harness.devices.base import Identity, format_cpus
from harness.measure.clusters import Target, threads_of
from harness.measure.request import Request
from harness.model.sustained import SUSTAINED
from harness.plan.jobs import Job, PlannedVariant, make_jobs, make_variants
from harness.plan.planfile import BuildLine, RunLine
from harness.plan.remaining import Measured
from harness.plan.series import make_series
from harness.store.progress import Done

# An emulated core is 40 to 200 times slower, but most of a plan's time are budgets and waits that do not grow with it;
# what does grow (checks, creating, one sample at least per variant) fits into this many times the deadline.
_EMULATED_SLOWNESS = 6


def variants_of(request: Request, label: str) -> tuple[PlannedVariant, ...]:
    """The variants that every job of a cluster has: on so many threads as it has CPUs, which ``label`` names. Pure."""
    threads = threads_of(label, request.threads)
    names, others = request.worker_names, len(request.against)
    cache = request.policy.cache
    return make_variants(request.algorithms, cache, request.faces, names, threads, aa=request.aa, others=others)


def worker_folder(folder: str, name: str = "") -> str:
    """Where a worker's program and files lie in a run's folder on a device; without name: how all such begin."""
    return f"{folder}/worker-{name}"


def other_program(program: str, build: str) -> str:
    """Where another build lies beside ours on a device; without ``build``: how all such begin."""
    return f"{program}-{build}"


def builds_of(request: Request, program: str, others: Sequence[str] = ()) -> list[BuildLine]:
    """The programs of the variants: ours, of that path on the device, other builds, each worker's under its name.

    ``request``: of the device's ABI (Request.on). ``others``: what records call the builds of ``request.against``
    on this device.
    """
    lines = [BuildLine(0, program)]
    lines += [BuildLine(n, other_program(program, build), build) for n, build in enumerate(others, start=1)]
    for index, worker in enumerate(request.workers, start=len(lines)):
        place = f"{worker_folder(posixpath.dirname(program), worker.folder)}/{worker.program.name}"
        exe = "" if worker.absence else place
        lines.append(BuildLine(index, exe, worker.name, foreign=True, absent=worker.absence))
    return lines


def names_of_builds(request: Request) -> list[tuple[str, ...]]:
    """By number of the program, what records may call it on some device; ours: nothing, as in harness.plan.known."""
    return [("",), *(other.builds for other in request.against), *((name,) for name in request.worker_names)]


def cluster_jobs(
    request: Request, label: str, device: str, further: Mapping[str, int] = MappingProxyType({})
) -> tuple[tuple[PlannedVariant, ...], list[Job]]:
    """All jobs of a cluster, and the variants that each of them has. Pure.

    A shard has those jobs of the whole that are of its own layers.

    ``further``: the launches of layers that have more than the policy's.
    """
    variants, layers = variants_of(request, label), request.layers
    if request.mode == SUSTAINED:
        jobs = make_series(layers, request.policy, request.seed, label, variants, device)
    else:
        jobs = make_jobs(layers, request.policy, request.seed, label, variants, device, further)
    return variants, [job for job in jobs if request.is_own(job.layer)]


def measured(done: Done) -> Measured:
    """What a cluster's records hold, for ``remaining``."""
    return Measured(done.done_jobs(), done.samples, done.rounds)


def run_line(
    run_id: str, target: Target, attempt: int, deadline_s: int, variants: Sequence[PlannedVariant] = ()
) -> RunLine:
    """The plan's line about the whole of it; ``variants``: of that plan, whose threads need CPUs."""
    most = max((variant.threads for variant in variants), default=1)
    cpus = target.cpus(most)
    conductor = format_cpus([cpu for cpu in target.conductor if cpu not in cpus])
    shared = format_cpus(sorted(cpus)) if most > 1 else ""
    return RunLine(run_id, target.cluster.label, attempt, target.cpu, deadline_s, __version__, conductor, shared)


def extended(deadline_s: int, identity: Identity) -> int:
    """A deadline in seconds, longer where the device's CPU is emulated."""
    return deadline_s * (_EMULATED_SLOWNESS if identity.emulated else 1)
