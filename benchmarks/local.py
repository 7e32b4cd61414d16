"""Runs a plan of convbench on this machine and pairs what it measured."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

from harness import __version__
from harness.devices.base import format_cpus
from harness.devices.local import LocalDevice
from harness.errors import InfrastructureError, UsageError
from harness.exit_codes import ExitCode
from harness.measure.clusters import Target, planned, targets
from harness.model.layer import Layer
from harness.model.policy import Policy
from harness.plan.jobs import PlannedVariant, make_jobs
from harness.plan.planfile import BuildLine, MeasureLine, Plan, RunLine, render
from harness.results.stream import Stream, read_records
from harness.stats.estimate import Observation, launch_logs, pair_log_ratios, ratio
from harness.stats.interval import Interval
from harness.store import records
from harness.toolchain.builder import Built, build

MEMORY_BYTES = 768 << 20  # of a worker
_SEED = 20190704
_SAID_EVERY_S = 20
_DAY_S = 86_400


def say(text: str) -> None:
    """A remark on stderr."""
    print(text, file=sys.stderr, flush=True)


def program() -> Built:
    """convbench for this machine."""
    return build("host", "auto", None, say)


def info(exe: Path) -> dict[str, Any]:
    """What ``convbench info`` says: default kernel, CPU features, caches."""
    answer: dict[str, Any] = json.loads(subprocess.run([str(exe), "info"], capture_output=True, check=True).stdout)
    return answer


def target() -> Target:
    """The fastest cluster of this machine, and its CPU that is measured."""
    topology = LocalDevice().topology()
    return targets(topology, planned(topology, None))[-1]


def cpus_for(threads: int, place: Target) -> list[int]:
    """The CPU that is measured, and for more threads others of its cluster. Raises UsageError for too few."""
    allowed = LocalDevice().topology().allowed
    found = [place.cpu, *(cpu for cpu in place.cluster.cpus if cpu in allowed and cpu != place.cpu)]
    if threads > len(found):
        raise UsageError(f"--threads: {threads}, but there is {len(found)} CPU like the one to measure", "--threads 1")
    return found[:threads]


def run_line(run_id: str, place: Target, cpus: Sequence[int]) -> RunLine:
    """Of a plan whose threads have those CPUs, the first one being measured."""
    alone = len(cpus) == 1
    return RunLine(
        run_id,
        place.cluster.label,
        1,
        cpus[0],
        _DAY_S,
        __version__,
        format_cpus(place.conductor) if alone else "",
        "" if alone else format_cpus(cpus),
    )


@contextmanager
def kept_off(cpus: Sequence[int]) -> Iterator[None]:
    """This process leaves the measured CPUs, where there are others."""
    everywhere = os.sched_getaffinity(0)
    os.sched_setaffinity(0, everywhere - set(cpus) or everywhere)
    try:
        yield
    finally:
        os.sched_setaffinity(0, everywhere)


def measure(
    layers: Sequence[Layer],
    policy: Policy,
    variants: Sequence[PlannedVariant],
    builds: Sequence[str],
    exe: Path | None = None,
    others: Mapping[str, Path] = MappingProxyType({}),
    threads: int = 1,
) -> Stream:
    """All records of the variants on ``target()``; ``builds`` names a worker each, ``exe``: not the usual program,
    ``others``: programs of the builds that have one of their own, ``threads``: the most that a variant has.

    Raises InfrastructureError where the program fails.
    """
    exe = exe or program().path
    place = target()
    cpus = cpus_for(threads, place)
    plan = Plan(
        run_line("bench", place, cpus),
        MeasureLine(int(policy.min_ms * 1e6), policy.block_budget_s, MEMORY_BYTES),
        [BuildLine(index, str(others.get(name, exe)), name) for index, name in enumerate(builds)],
        variants,
        layers,
        make_jobs(layers, policy, _SEED, place.cluster.label, variants),
    )
    with kept_off(cpus):
        return run_plan(plan, exe)


def run_plan(
    plan: Plan,
    exe: Path,
    tolerated: Collection[ExitCode] = (),
    log: Path | None = None,
    env: Mapping[str, str] | None = None,
    keep: Path | None = None,
) -> Stream:
    """All records of a plan that ``exe`` runs here.

    ``tolerated``: how it may end beside well, where the records tell what failed. ``log``: what it and its workers
    print goes there, behind what it has. ``env``: its environment, and theirs. ``keep``: where the records stay.
    Raises InfrastructureError where the program fails.
    """
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        file, out = Path(folder) / "plan", keep or Path(folder) / "records.jsonl"
        file.write_text(render(plan))
        out.unlink(missing_ok=True)
        errors = stack.enter_context(log.open("ab")) if log else None
        with subprocess.Popen([exe, "run", str(file), "--out", str(out)], stderr=errors, env=env) as process:
            _wait(process, out, len(plan.jobs))
        streams, _ = read_records(out)
    if process.returncode not in (ExitCode.DONE, *tolerated) or not streams or not streams[-1].end:
        raise InfrastructureError(
            f"{exe} ended with {process.returncode} and {'no' if not streams else 'some'} records",
            f"what it said stands {f'in {log}' if log else 'above'}",
        )
    return streams[-1]


def _wait(process: subprocess.Popen[bytes], out: Path, jobs: int) -> None:
    """Waits for the end, and says how far it is."""
    said, read, done = time.monotonic(), 0, 0
    while process.poll() is None:
        time.sleep(0.2)
        if time.monotonic() - said > _SAID_EVERY_S and out.exists():
            said = time.monotonic()
            with out.open("rb") as file:
                file.seek(read)
                more = file.read()
            whole = more[: more.rfind(b"\n") + 1]
            read, done = read + len(whole), done + whole.count(b'"type":"job"')
            say(f"{done} of {jobs} layers and launches")


def log_ratios(
    samples: Sequence[records.Sample], layer: str, ours: tuple[str, str], other: tuple[str, str]
) -> dict[int, float]:
    """Log of the other's time over ours on a layer, by launch; each is (build, variant)."""

    def of(key: tuple[str, str]) -> list[Observation]:
        group = 0  # two builds are two processes by design
        return [
            Observation(s.launch, s.round, group, s.ns)
            for s in samples
            if s.layer == layer and (s.build, s.variant) == key
        ]

    return launch_logs(pair_log_ratios(of(ours), of(other)))


def compare(samples: Sequence[records.Sample], layer: str, ours: tuple[str, str], other: tuple[str, str]) -> Interval:
    """The other's time over ours on a layer; each is (build, variant). Raises ValueError where there is no pair."""
    found = ratio(log_ratios(samples, layer, ours, other))
    if found is None:
        raise ValueError(f"no pairs of {ours} and {other} on {layer}")
    return found


def shown(interval: Interval, digits: int = 4) -> str:
    """A ratio with its interval."""
    if interval.low is None or interval.high is None:
        return f"{interval.value:.{digits}f}"
    return f"{interval.value:.{digits}f} [{interval.low:.{digits}f}, {interval.high:.{digits}f}]"
