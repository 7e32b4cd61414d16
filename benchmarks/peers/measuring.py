"""Measures the peers and ours under convbench's conductor: which variants, on which layers, in one plan a setting."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.local import MEMORY_BYTES, kept_off, run_line, run_plan
from benchmarks.peers import environment
from benchmarks.peers.findings import ALONE, EMPTY, OURS
from harness.exit_codes import ExitCode
from harness.measure.clusters import Target
from harness.model.layer import Layer
from harness.model.variant import AUTO, CHOSEN, Asked
from harness.plan.jobs import Job, PlannedVariant
from harness.plan.planfile import BuildLine, MeasureLine, Plan, RunLine
from harness.plan.shuffle import derive_seed, shuffled
from harness.results.stream import Stream

PEERS = ("xnnpack", "onnxruntime", "onednn", "onednn_avx2", "torch_im2col", "ncnn", "ncnn_winograd")
# Schedules of ours by algorithm, for each kernel K; what the library refuses is listed as not measured.
SCHEDULES = {
    "indirect": ("K", "K+regions+ahead", "K+taps+ahead"),
    "im2col": ("K", "K+block4", "K+block20"),
    "direct": ("K", "K+block4+ahead"),
}
ISAS = ("avx512", "avx2", "neon")  # of our kernels; scalar ones are no match for anybody
TINY = Layer(name=EMPTY, h=1, w=1, kh=1, kw=1, cin=1, cout=1)
_SEED = 20190704
_NO_BUDGET_S = 1e6  # rounds are never cut
_PROBES = 3  # of the FMA peak on several CPUs at once, before and after


@dataclass(frozen=True)
class Setting:
    """What to measure and how often. ``only``: (layer, variant) pairs that count; None: all."""

    layers: Sequence[Layer]
    peers: Sequence[str]
    cpus: Sequence[int]  # as many as threads; the first one is measured
    launches: int
    rounds: int
    sample_ms: float
    only: frozenset[tuple[str, str]] | None = None

    @property
    def threads(self) -> int:
        return len(self.cpus)

    def wants(self, layer: Layer, variant: str) -> bool:
        """Whether the variant is to be measured on the layer. An empty call is for peers: ours have no framework."""
        if variant.startswith(f"{OURS} direct") and (layer.category != "1x1s1" or any(layer.pad)):
            return False  # not what it is for
        if layer == TINY:
            return not variant.startswith(f"{OURS} ") and self._any(variant)
        return self.only is None or (layer.name, variant) in self.only

    def _any(self, variant: str) -> bool:
        return self.only is None or any(name == variant for _, name in self.only)


@dataclass(frozen=True)
class Programs:
    """What is run: convbench, our kernels' names, and each peer's program."""

    convbench: Path
    kernels: Sequence[str]
    peers: Mapping[str, Path]


def kernels(exe: Path) -> list[str]:
    """Names of our kernels that this CPU can run, without scalar ones where there are others."""
    answer = subprocess.run([str(exe), "info", "--kernels"], capture_output=True, check=True).stdout
    found = [(str(each["name"]), each["isa"]) for each in json.loads(answer) if each["supported"]]
    return [name for name, isa in found if isa in ISAS] or [found[0][0]]


def ours(kernel_names: Sequence[str], threads: int) -> dict[str, tuple[Asked, int]]:
    """Variants of ours by name: what is asked for, and on how many threads."""
    found = {AUTO: Asked(AUTO), f"im2col/{CHOSEN}": Asked("im2col", CHOSEN)}
    for algorithm, schedules in SCHEDULES.items():
        names = [schedule.replace("K", kernel, 1) for kernel in kernel_names for schedule in schedules]
        found |= {f"{algorithm}/{name}": Asked(algorithm, name) for name in names}
    every = {f"{OURS} {name}": (asked, threads) for name, asked in found.items()}
    return every | ({ALONE: (Asked(AUTO), 1)} if threads > 1 else {})


def plan_of(setting: Setting, programs: Programs, run: RunLine) -> Plan:
    """The whole of a setting for convbench."""
    ways = [(name, asked, 0, threads) for name, (asked, threads) in ours(programs.kernels, setting.threads).items()]
    peers = [name for name in setting.peers if name in programs.peers]
    ways += [(name, Asked(name), build, setting.threads) for build, name in enumerate(peers, start=1)]
    layers = [layer for layer in (*setting.layers, TINY) if any(setting.wants(layer, name) for name, *_ in ways)]
    kept = [way for way in ways if any(setting.wants(layer, way[0]) for layer in layers)]
    variants = [
        PlannedVariant(index, asked, "hot", build, threads, "" if build else name.removeprefix(f"{OURS} "))
        for index, (name, asked, build, threads) in enumerate(kept)
    ]
    indices = {
        layer.name: tuple(index for index, (name, *_) in enumerate(kept) if setting.wants(layer, name))
        for layer in layers
    }
    jobs = [
        Job(launch, name, derive_seed(_SEED, "job", setting.threads, launch, name), setting.rounds, indices[name])
        for launch in range(setting.launches)
        for name in shuffled(list(indices), derive_seed(_SEED, "order", setting.threads, launch))
    ]
    builds = [BuildLine(0, str(programs.convbench), OURS)]
    builds += [BuildLine(n, str(programs.peers[name]), name, foreign=True) for n, name in enumerate(peers, start=1)]
    measure = MeasureLine(int(setting.sample_ms * 1e6), _NO_BUDGET_S, MEMORY_BYTES)
    return Plan(run, measure, builds, variants, layers, jobs)


def measure(setting: Setting, programs: Programs, place: Target, log: Path, keep: Path) -> Stream:
    """The records of a setting, of what workers fail at, too. Raises InfrastructureError where the conductor fails."""
    tolerated = (ExitCode.WRONG_RESULT, ExitCode.INFRASTRUCTURE)
    with kept_off(setting.cpus):
        plan = plan_of(setting, programs, run_line("peers", place, setting.cpus))
        return run_plan(plan, programs.convbench, tolerated, log, environment.base(), keep)


def together(exe: Path, cpus: Sequence[int]) -> list[float]:
    """FLOP per cycle of the CPUs at once over that of the first one: as many as they are, where they share nothing.

    Per cycle, since the clock of all together is seen around their samples. Several readings; none where a clock is not
    believed.
    """
    if len(cpus) == 1:
        return [1.0]
    readings = [(_flop_per_cycle(exe, cpus[:1]), _flop_per_cycle(exe, cpus)) for _ in range(_PROBES)]
    return [sum(every) / alone[0] for alone, every in readings if alone and every]


def _flop_per_cycle(exe: Path, cpus: Sequence[int]) -> list[float]:
    """Of each, measured at once; empty where one is not believed."""
    before, running = os.sched_getaffinity(0), []
    try:
        for cpu in cpus:
            os.sched_setaffinity(0, {cpu})
            running.append(subprocess.Popen([str(exe), "probe"], stdout=subprocess.PIPE))
    finally:
        os.sched_setaffinity(0, before)
    found = [json.loads(process.communicate()[0])["peak"] for process in running]
    return [float(peak["flop_per_cycle"]) for peak in found] if all(peak["ok"] for peak in found) else []


def middle(readings: Sequence[float]) -> float:
    """Their median; NaN for none."""
    return statistics.median(readings) if readings else float("nan")
