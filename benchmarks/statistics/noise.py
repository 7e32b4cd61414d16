"""Noise of this kind of machine: streams of samples of one variant against itself, as convbench recorded them.

``noise.npz`` was recorded by ``python -m benchmarks.statistics --record`` before anything was tuned by it. It holds
the logarithm of each sample's time over the median of its stream, and the evidence beside it.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from benchmarks.local import MEMORY_BYTES, cpus_for, info, kept_off, program, run_line, run_plan, say, target
from benchmarks.statistics.layers import layer_of
from harness import __version__
from harness.errors import InfrastructureError, UsageError
from harness.model.policy import CACHE_MODES, Policy
from harness.model.variant import Asked
from harness.paths import build_root
from harness.plan.jobs import PlannedVariant, make_jobs
from harness.plan.planfile import BuildLine, KnownLine, MeasureLine, Plan
from harness.results.samples import Samples
from harness.results.stream import Stream

FILE = Path(__file__).with_name("noise.npz")
EVIDENCE = ("mhz_before", "mhz_after", "gflops_before", "gflops_after", "gbps_before", "gbps_after")
COUNTS = ("faults", "settle_capped")
# Working sets, times the L2, with channels for which a call is long enough to be timed alone, as rotate does.
SHAPES = ((0.3, 16), (0.5, 24), (0.9, 48), (1.5, 32), (2.5, 32), (4.0, 32))
LAUNCHES, ROUNDS = 24, 10
POLICY = Policy(name="noise", launches=LAUNCHES, rounds=ROUNDS, min_ms=10, block_budget_s=3600)
_SIDES = ("one", "two")
_SEED = 20190704
_SCHEDULERS = {os.SCHED_OTHER: "normal", os.SCHED_FIFO: "real-time", os.SCHED_RR: "real-time"}
_LOOKS, _LOOK_S, _PATIENCE_S = 3, 0.5, 120.0

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Noise:
    """Arrays over stream, launch, round and position of the round's two samples, in the order in which they were taken.

    ``log_ns``: natural logarithm of a call's time over its stream's median. ``lost``: the share of the time in which
    the thread did not run. ``evidence``: clocks in MHz, GFLOP/s, GB/s; NaN where there is none. ``one_first``: whether
    the name ``one`` was before ``two`` in a round. ``names``: of streams.
    """

    log_ns: Numbers
    lost: Numbers
    evidence: Mapping[str, Numbers]
    counts: Mapping[str, NDArray[np.int64]]
    one_first: NDArray[np.bool_]
    names: tuple[str, ...]
    about: Mapping[str, str]

    def save(self, path: Path) -> None:
        """Writes it, compressed."""
        small = {name: values.astype(np.float32) for name, values in self.evidence.items()}
        small |= {name: values.astype(np.int32) for name, values in self.counts.items()}
        small |= {"log_ns": self.log_ns.astype(np.float32), "lost": self.lost.astype(np.float32)}
        about = np.array(json.dumps(dict(self.about)))
        texts = {"names": np.array(self.names), "about": about}
        np.savez_compressed(path, allow_pickle=False, one_first=self.one_first, **texts, **small)

    @classmethod
    def load(cls, path: Path = FILE) -> Noise:
        """Reads it. Raises UsageError for a file that is none."""
        try:
            with np.load(path, allow_pickle=False) as file:
                numbers = {name: file[name].astype(np.float64) for name in ("log_ns", "lost", *EVIDENCE)}
                counts = {name: file[name].astype(np.int64) for name in COUNTS}
                first, names = file["one_first"].astype(np.bool_), tuple(map(str, file["names"].tolist()))
                about = json.loads(str(file["about"]))
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            remedy = "make it: python -m benchmarks.statistics --record"
            raise UsageError(f"{path}: no recorded noise: {error}", remedy) from None
        return cls(numbers.pop("log_ns"), numbers.pop("lost"), numbers, counts, first, names, about)

    @property
    def per_sample(self) -> Numbers:
        """The standard deviation of a round's log ratio over the root of two, by stream."""
        return np.asarray(np.std(np.diff(self.log_ns, axis=-1), axis=(1, 2, 3)) / np.sqrt(2))


def record(most_running: int) -> Noise:
    """Measures it here: layers in both cache modes, one variant under two names. Takes about five minutes.

    Each launch begins when at most so many processes run, and is kept whatever runs beside it then. Raises
    InfrastructureError where the program fails or rounds are missing.
    """
    exe, place = program(), target()
    facts = info(exe.path)
    l2_bytes = facts["caches"]["l2"] or 1 << 20
    shapes = [layer_of(f"noise{n}", share, channels, l2_bytes) for n, (share, channels) in enumerate(SHAPES)]
    variants = [
        PlannedVariant(2 * n + side, Asked("indirect"), mode, label=label)
        for n, mode in enumerate(CACHE_MODES)
        for side, label in enumerate(_SIDES)
    ]
    jobs = make_jobs(shapes, POLICY, _SEED, place.cluster.label, variants)
    folder = build_root() / "statistics"
    folder.mkdir(parents=True, exist_ok=True)
    cpus = cpus_for(1, place)
    streams: list[Stream] = []
    beside: list[int] = []
    with kept_off(cpus):
        for launch in range(LAUNCHES):
            wait_until_idle(most_running)
            plan = Plan(
                run_line("noise", place, cpus),
                MeasureLine(int(POLICY.min_ms * 1e6), POLICY.block_budget_s, MEMORY_BYTES),
                [BuildLine(0, str(exe.path), "same")],
                variants,
                shapes,
                [job for job in jobs if job.launch == launch],
                known=_calls(streams[0], variants) if streams else [],
            )
            streams.append(run_plan(plan, exe.path, keep=folder / f"noise-{launch:02}.jsonl"))
            beside.append(running())
            say(f"launch {launch + 1} of {LAUNCHES}, {beside[-1]} processes run")
    about = {
        "recorded": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": platform.machine(),
        "l2_bytes": str(facts["caches"]["l2"]),
        "beside": f"{np.mean(beside):.1f}",
        "scheduler": _SCHEDULERS.get(os.sched_getscheduler(0), "other"),
        "program": f"convbench {__version__}, build {exe.build_id[:12]}",
        "command": "python -m benchmarks.statistics --record",
    }
    wanted = [(layer.name, mode) for layer in shapes for mode in CACHE_MODES]
    return _gathered([stream.samples for stream in streams], wanted, about)


def running() -> int:
    """Processes that run or wait for a CPU, without the one that asks."""
    return int(Path("/proc/loadavg").read_text().split()[3].partition("/")[0]) - 1


def wait_until_idle(most_running: int) -> None:
    """Until at most so many processes run, three looks in a row; no longer than two minutes."""
    start, calm = time.monotonic(), 0
    while calm < _LOOKS and time.monotonic() - start < _PATIENCE_S:
        calm = calm + 1 if running() <= most_running else 0
        time.sleep(_LOOK_S)


def _calls(stream: Stream, variants: Sequence[PlannedVariant]) -> list[KnownLine]:
    """The calls that the first launch settled: all have the same."""
    found = {(s.layer, s.variant, s.cache): s.calls for s in stream.samples}
    index = {(variant.label, variant.cache): variant.index for variant in variants}
    return [KnownLine(layer, index[label, cache], calls) for (layer, label, cache), calls in found.items()]


def _gathered(launches: Sequence[Samples], streams: Sequence[tuple[str, str]], about: dict[str, str]) -> Noise:
    found: dict[tuple[str, str, int, int], list[tuple[float, ...]]] = {}
    columns = ("ns", "cpu_ns", "span_ns", *EVIDENCE, *COUNTS)
    place = ("layer", "cache", "launch", "round", "position", "variant")
    every_sample = chain.from_iterable(samples.zip(*place, *columns) for samples in launches)
    for layer, cache, launch, number, position, variant, *values in every_sample:
        numbers = (variant == _SIDES[0], *(np.nan if value is None else float(value) for value in values))
        found.setdefault((layer, cache, launch, number), []).append((position, *numbers))
    if len(found) != len(streams) * LAUNCHES * ROUNDS or any(len(pair) != 2 for pair in found.values()):
        raise InfrastructureError("rounds are missing among the recorded samples", "record on a machine that is idle")
    every = np.array(
        [
            [[sorted(found[layer, cache, launch, n]) for n in range(ROUNDS)] for launch in range(LAUNCHES)]
            for layer, cache in streams
        ]
    )
    table = dict(zip(("one", *columns), np.moveaxis(every[..., 1:], -1, 0), strict=True))
    logs = np.log(table["ns"])
    return Noise(
        logs - np.median(logs, axis=(1, 2, 3), keepdims=True),
        1 - table["cpu_ns"] / table["span_ns"],
        {name: table[name] for name in EVIDENCE},
        {name: table[name].astype(np.int64) for name in COUNTS},
        table["one"][..., 0] == 1,
        tuple(f"{layer} {cache}" for layer, cache in streams),
        about,
    )
