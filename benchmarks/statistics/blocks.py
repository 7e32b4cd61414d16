"""Blocks on this machine: what is measured, kept in a folder part by part, and gone on with after an interruption.

The true ratio of ``more`` to ``one`` is known exactly: a window of the one has 100 k calls, of the other 101 k, of the
same function on a layer of the same shape. k is settled once, by a pilot.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.local import MEMORY_BYTES, cpus_for, info, kept_off, program, run_line, run_plan, say, target
from benchmarks.statistics.layers import layers
from harness.errors import UsageError
from harness.model.layer import Layer
from harness.model.policy import Policy
from harness.model.variant import Asked
from harness.plan.jobs import Job, PlannedVariant, make_jobs
from harness.plan.planfile import BuildLine, KnownLine, MeasureLine, Plan, render
from harness.results.stream import Stream, read_records
from harness.results.verdicts import tainted_rounds

BLOCKS, SHARING, PART = 200, 30, 10
SMALLEST, LARGEST = 0.1, 4.0  # working sets, times the L2
LARGEST_SHARED = 1.0  # of the layers that show what a shared placement gives: 3x3 ones, which im2col copies
EQUAL_CALLS, MORE_CALLS = 100, 101
ONE, TWO, MORE = "one", "two", "more"
_SEED = 20190704
_HOUR_S = 3600.0
_MARGIN = 1.2  # that convbench's own choice has over the least window

COMPARED = (
    PlannedVariant(0, Asked("indirect"), "hot", label=ONE),
    PlannedVariant(1, Asked("indirect"), "hot", label=TWO),
    PlannedVariant(2, Asked("indirect"), "hot", label=MORE),
)
# Two of one algorithm and one of another, with places of their own and with places that they share.
PLACED = tuple(
    PlannedVariant(3 * shares + n, Asked(algorithm), "hot", label=f"{how} {name}", shares_placement=bool(shares))
    for shares, how in enumerate(("own", "shared"))
    for n, (name, algorithm) in enumerate(((ONE, "indirect"), (TWO, "indirect"), ("im2col", "im2col")))
)


@dataclass(frozen=True)
class Part:
    """Ten layers that are measured together: every launch has all of them."""

    name: str
    layers: Sequence[Layer]
    variants: Sequence[PlannedVariant]


@dataclass(frozen=True)
class Measured:
    """A part's records: its own, and those of the rounds behind them that were measured for tainted ones."""

    part: Part
    cluster: str
    path: Path
    again: Path

    @property
    def streams(self) -> list[Stream]:
        """As they were read; raises nothing: what cannot be read is absent."""
        return [stream for path in (self.path, self.again) if path.exists() for stream in read_records(path)[0]]


def parts(l2_bytes: int) -> list[Part]:
    """All that is measured, in order. Working sets of a part are spread over the whole range."""
    blocks = layers("block", BLOCKS, SMALLEST, LARGEST, l2_bytes)
    count = BLOCKS // PART
    found = [Part(f"blocks-{n:02}", blocks[n::count], COMPARED) for n in range(count)]
    shared = layers("shared", SHARING, SMALLEST, LARGEST_SHARED, l2_bytes)
    count = SHARING // PART
    return found + [Part(f"placement-{n:02}", shared[n::count], PLACED) for n in range(count)]


class Campaign:
    """Measures what a folder does not hold yet. Files: PART.plan, PART.jsonl, PART-again.jsonl, times.json."""

    def __init__(self, folder: Path, policy: Policy) -> None:
        self._folder, self._policy = folder, policy.model_copy(update={"cache": ("hot",)})
        self._place = target()
        self._built = program()
        self._l2_bytes = info(self._built.path)["caches"]["l2"] or 1 << 20
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def l2_bytes(self) -> int:
        """Of this machine's core."""
        return int(self._l2_bytes)

    @property
    def times(self) -> dict[str, dict[str, float]]:
        """By part: seconds, and the load of the machine before."""
        path = self._folder / "times.json"
        found: dict[str, dict[str, float]] = json.loads(path.read_text()) if path.exists() else {}
        return found

    def run(self) -> list[Measured]:
        """Everything, measured or read. Raises InfrastructureError where the program fails, UsageError for a folder
        of another program or policy."""
        every = parts(self.l2_bytes)
        calls = self._pilot(every)
        found = []
        with kept_off(cpus_for(1, self._place)):
            for part in every:
                known = list(_known(part, calls))
                jobs = make_jobs(part.layers, self._policy, _SEED, self._place.cluster.label, part.variants)
                path = self._measure(part.name, part, jobs, known)
                again = self._measure(f"{part.name}-again", part, self._again(jobs, path), known)
                found.append(Measured(part, self._place.cluster.label, path, again))
        return found

    def _again(self, jobs: Sequence[Job], path: Path) -> list[Job]:
        """As harness run does: so many further rounds of a layer and launch as hold a tainted sample."""
        tainted = tainted_rounds(path, self._place.cluster.label, self._policy, emulated=False)
        return [
            replace(job, first_round=max(each.every) + 1, rounds=max(each.every) + 1 + len(each.tainted))
            for job in jobs
            if (each := tainted.get((job.launch, job.layer)))
        ]

    def _pilot(self, every: Sequence[Part]) -> Mapping[str, int]:
        """By layer, the calls that fill a window."""
        once = self._policy.model_copy(update={"launches": 1, "rounds": 1})
        blocks = [layer for part in every if part.variants is COMPARED for layer in part.layers]
        part = Part("pilot", blocks, COMPARED[:1])
        with kept_off(cpus_for(1, self._place)):
            path = self._measure("pilot", part, make_jobs(blocks, once, _SEED, "", part.variants), [])
        samples = read_records(path)[0][-1].samples
        return dict(samples.zip("layer", "calls"))

    def _measure(self, name: str, part: Part, jobs: Sequence[Job], known: Sequence[KnownLine]) -> Path:
        path, beside = self._folder / f"{name}.jsonl", self._folder / f"{name}.plan"
        if not jobs:
            return path
        launches = len({job.launch for job in jobs})
        plan = Plan(
            run_line(f"statistics-{self._built.build_id[:12]}", self._place, cpus_for(1, self._place)),
            MeasureLine(int(self._policy.min_ms * 1e6), _HOUR_S * launches, MEMORY_BYTES),
            [BuildLine(0, str(self._built.path), "ours")],
            part.variants,
            part.layers,
            jobs,
            known=known,
        )
        text = render(plan)
        if path.exists():
            if not beside.exists() or beside.read_text() != text:
                raise UsageError(
                    f"{path} holds records of another program, policy or machine", "name another folder with --real"
                )
            return path
        say(f"{name}: {len(part.layers)} layers, {launches} launches")
        load, start, unfinished = os.getloadavg()[0], time.monotonic(), self._folder / f"{name}.part"
        run_plan(plan, self._built.path, keep=unfinished)
        times = self.times | {name: {"seconds": round(time.monotonic() - start, 1), "load": load}}
        (self._folder / "times.json").write_text(json.dumps(times, indent=1) + "\n")
        beside.write_text(text)
        unfinished.replace(path)
        return path


def _known(part: Part, calls: Mapping[str, int]) -> Iterator[KnownLine]:
    """Calls of a window, where the true ratio of two variants is to be that of their calls."""
    if part.variants is not COMPARED:
        return
    for layer in part.layers:
        times = math.ceil(calls[layer.name] / _MARGIN / EQUAL_CALLS)
        for variant in part.variants:
            yield KnownLine(layer.name, variant.index, times * (MORE_CALLS if variant.label == MORE else EQUAL_CALLS))
