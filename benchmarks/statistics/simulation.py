"""All methods on the same streams, kind by kind of device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np

from benchmarks.statistics import theirs
from benchmarks.statistics.devices import Kind
from benchmarks.statistics.found import Found, Score, score
from benchmarks.statistics.locations import LOCATIONS, ratio_by
from benchmarks.statistics.noise import Noise
from benchmarks.statistics.ours import Sided, found_of, judge_all, ours, valid_logs
from benchmarks.statistics.repetition import Repeated, Rule, as_soon_as_narrow, fixed, logs_of_launches, repeated
from benchmarks.statistics.streams import draw
from harness.model.policy import Policy
from harness.stats.stopping import launches_wanted

EQUAL, LARGER = 1.0, 1.01
TRUTHS = (EQUAL, LARGER)
OURS, UNJUDGED = "ours", "ours without verdicts"
SEED = 20190704
_BATCH = 500  # streams at once: what their arrays take
PRECISION = 0.01  # of a stopping rule: the width of the interval, as the policy `thorough` asks


@dataclass(frozen=True)
class Repetition:
    """What a rule did on a kind of device: launches in the mean, and its score by true ratio."""

    launches: float
    scores: Mapping[float, Score]


@dataclass(frozen=True)
class KindScores:
    """Of one kind of device: by method and true ratio, and by stopping rule."""

    kind: Kind
    methods: Mapping[str, Mapping[float, Score]]
    rules: Mapping[str, Repetition]


def without_verdicts(policy: Policy) -> Policy:
    """The same policy, every sample of which counts."""
    return policy.model_copy(update={"verdicts": False})


def rules() -> dict[str, Rule]:
    """The harness's own, and what it is held against."""
    return {"none": fixed, "ours": launches_wanted, "as soon as it is narrow": as_soon_as_narrow}


def simulate(noise: Noise, kinds: Sequence[Kind], count: int, policy: Policy, processes: int = 2) -> list[KindScores]:
    """Every kind with ``count`` streams of each true ratio; seeded by the kind."""
    work = partial(_simulate, noise, count, policy)
    if processes == 1:
        return list(map(work, kinds))
    with ProcessPoolExecutor(processes) as pool:
        return list(pool.map(work, kinds))


def _simulate(noise: Noise, count: int, policy: Policy, kind: Kind) -> KindScores:
    sizes = [min(_BATCH, count - start) for start in range(0, count, _BATCH)]
    methods: dict[str, dict[float, Score]] = {}
    ended: dict[str, dict[float, tuple[float, Score]]] = {}
    for truth in TRUTHS:
        said = [methods_on(noise, size, policy, kind, truth, batch) for batch, size in enumerate(sizes)]
        for name in said[0]:
            methods.setdefault(name, {})[truth] = score(Found.joined([each[name] for each in said]), truth)
        ends = [rules_on(noise, size, policy, kind, truth, batch) for batch, size in enumerate(sizes)]
        for name in ends[0]:
            found = score(Found.joined([each[name].found for each in ends]), truth)
            launches = [number for each in ends for number in each[name].launches]
            ended.setdefault(name, {})[truth] = (float(np.mean(launches)), found)
    repetitions = {
        name: Repetition(
            float(np.mean([launches for launches, _ in by_truth.values()])),
            {truth: found for truth, (_, found) in by_truth.items()},
        )
        for name, by_truth in ended.items()
    }
    return KindScores(kind, methods, repetitions)


def _dice(kind: Kind, truth: float, *more: int) -> np.random.Generator:
    """The same streams for the same kind and true ratio, whatever else is simulated; for another truth others."""
    return np.random.default_rng([SEED, *kind.name.encode(), round(truth * 10**6), *more])


def methods_on(noise: Noise, count: int, policy: Policy, kind: Kind, truth: float, batch: int = 0) -> dict[str, Found]:
    """What each method says of the same ``count`` streams."""
    dice = _dice(kind, truth, batch)
    streams = kind.make(draw(noise, count, dice, launches=policy.launches, rounds=policy.rounds), dice)
    reading = _dice(kind, truth, batch, 1)
    windows = streams.in_turns(truth, reading)
    sided, planned = Sided.of(streams, windows), windows[..., : policy.rounds]
    a, b = streams.in_sequence(truth, reading)
    verdicts = judge_all(sided, policy)
    logs = valid_logs(sided, verdicts)
    return {
        OURS: ours(sided, policy, verdicts),
        **{name: found_of([ratio_by(way, stream) for stream in logs]) for name, way in LOCATIONS.items()},
        UNJUDGED: ours(sided, without_verdicts(policy)),
        "paired blocks": theirs.paired_blocks(*planned),
        "unpaired blocks": theirs.unpaired_blocks(*planned),
        "sequential means (Welch)": theirs.sequential_means(a, b),
        "pyperf's t test": theirs.pyperf(a, b),
        "google/benchmark's U test": theirs.google_benchmark(a, b),
        "minimum of N": theirs.minimum(a, b),
    }


def rules_on(noise: Noise, count: int, policy: Policy, kind: Kind, truth: float, batch: int = 0) -> dict[str, Repeated]:
    """What each stopping rule makes of the same ``count`` streams, longer than those of ``methods_on``."""
    dice, most = _dice(kind, truth, batch, 2), policy.model_copy(update={"precision": PRECISION}).most_launches
    streams = kind.make(draw(noise, count, dice, launches=most, rounds=policy.rounds), dice)
    means = logs_of_launches(Sided.of(streams, streams.in_turns(truth, _dice(kind, truth, batch, 3))), policy)
    return {name: repeated(means, rule, policy.launches, PRECISION, most) for name, rule in rules().items()}
