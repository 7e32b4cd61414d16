"""What the blocks of this machine tell: every method on the same samples, and what a shared placement gives."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.statistics import theirs
from benchmarks.statistics.blocks import COMPARED, EQUAL_CALLS, MORE, MORE_CALLS, ONE, TWO, Measured
from benchmarks.statistics.found import Found, Score, score
from benchmarks.statistics.layers import working_set
from benchmarks.statistics.locations import LOCATIONS, ratio_by
from benchmarks.statistics.noise import Numbers
from benchmarks.statistics.ours import Judged, found_of, ratio_of
from benchmarks.statistics.simulation import OURS, UNJUDGED, without_verdicts
from harness.errors import InfrastructureError
from harness.model.policy import Policy
from harness.results.run import DeviceData, RunData
from harness.results.verdicts import judge_run
from harness.stats.estimate import Observation, pair_log_ratios
from harness.stats.interval import Interval

TRUE_MORE = MORE_CALLS / EQUAL_CALLS
_DEVICE = "local"


@dataclass(frozen=True)
class Block:
    """One layer. ``judged``: all samples of a variant, those of further rounds too; ``windows``: the planned ones in
    ns, by launch and round; ``addresses``: of input, weights and output of each planned sample, likewise."""

    name: str
    share: float  # working set over L2
    judged: Mapping[str, Sequence[Judged]]
    windows: Mapping[str, Numbers]
    addresses: Mapping[str, Sequence[tuple[str, ...]]]
    tainted: int
    count: int

    def logs(self, ours: str, other: str) -> list[list[float]]:
        """By launch, the log ratios of the other's time over ours, of valid pairs."""
        valid = [[each for each, left in self.judged[name] if not left] for name in (ours, other)]
        return list(pair_log_ratios(valid[0], valid[1]).values())

    def ratio(self, ours: str, other: str, policy: Policy) -> Interval | None:
        """The other's time over ours, as the harness has it; with verdicts off of the planned samples alone."""
        if policy.verdicts:
            return ratio_of(self.judged[ours], self.judged[other], policy)
        planned = [[(each, False) for each, _ in self.judged[name] if _is_planned(each)] for name in (ours, other)]
        return ratio_of(planned[0], planned[1], policy)


def read(measured: Measured, policy: Policy, l2_bytes: int) -> list[Block]:
    """The blocks of a part, judged. Raises InfrastructureError where samples are missing."""
    streams = measured.streams
    device = DeviceData(_DEVICE, "", {}, [], [], streams, [], [])
    masks = judge_run(RunData(measured.path, {}, {}, [device], {}, []), policy).of(_DEVICE, measured.cluster).masks
    judged: dict[str, dict[str, list[Judged]]] = defaultdict(lambda: defaultdict(list))
    planned: dict[tuple[str, str], list[tuple[int, int, float, tuple[str, ...]]]] = defaultdict(list)
    for number, (stream, mask) in enumerate(zip(streams, masks, strict=True)):
        places = stream.samples.zip("layer", "variant", "launch", "round", "pid", "window_ns", "addresses")
        for (layer, variant, launch, turn, pid, window, addresses), left in zip(places, mask.tolist(), strict=True):
            judged[layer][variant].append((Observation(launch, turn, (number, pid), window), bool(left)))
            if number == 0:
                planned[layer, variant].append((launch, turn, window, addresses[:3]))
    return [
        _block(layer.name, working_set(layer) / l2_bytes, judged[layer.name], planned, measured, policy)
        for layer in measured.part.layers
    ]


def _block(
    name: str,
    share: float,
    judged: Mapping[str, Sequence[Judged]],
    planned: Mapping[tuple[str, str], Sequence[tuple[int, int, float, tuple[str, ...]]]],
    measured: Measured,
    policy: Policy,
) -> Block:
    labels = [variant.label for variant in measured.part.variants]
    samples = {label: sorted(planned.get((name, label), ())) for label in labels}
    wanted = [(launch, turn) for launch in range(policy.launches) for turn in range(policy.rounds)]
    for label, found in samples.items():
        if [(launch, turn) for launch, turn, *_ in found] != wanted:
            raise InfrastructureError(
                f"{measured.path}: {name}, {label}: {len(found)} samples of {len(wanted)}",
                "remove the file, and measure it again",
            )
    every = [left for each in judged.values() for _, left in each]
    return Block(
        name,
        share,
        judged,
        {
            label: np.array([window for _, _, window, _ in found]).reshape(policy.launches, policy.rounds)
            for label, found in samples.items()
        },
        {label: [addresses for *_, addresses in found] for label, found in samples.items()},
        sum(every),
        len(every),
    )


def _is_planned(observation: Observation) -> bool:
    group = observation.group
    return isinstance(group, tuple) and group[0] == 0


def methods(blocks: Sequence[Block], other: str, policy: Policy) -> dict[str, Found]:
    """What each method says of that variant's time over that of ``one``, block by block."""
    a, b = (np.stack([block.windows[label] for block in blocks]) for label in (ONE, other))
    half, count = a.shape[1] // 2, len(blocks)
    turns = [values.reshape(count, -1) for values in (a, b)]
    first, last = a[:, :half].reshape(count, -1), b[:, half:].reshape(count, -1)
    logs = [block.logs(ONE, other) for block in blocks]
    return {
        OURS: found_of([block.ratio(ONE, other, policy) for block in blocks]),
        **{name: found_of([ratio_by(way, launches) for launches in logs]) for name, way in LOCATIONS.items()},
        UNJUDGED: found_of([block.ratio(ONE, other, without_verdicts(policy)) for block in blocks]),
        "paired blocks": theirs.paired_blocks(a, b),
        "unpaired blocks": theirs.unpaired_blocks(a, b),
        "all samples in turns (Welch)": theirs.sequential_means(*turns),
        "A first, then B (Welch)": theirs.sequential_means(first, last),
        "A first, then B (pyperf)": theirs.pyperf(first, last),
        "A first, then B (U test)": theirs.google_benchmark(first, last),
        "minimum of N, in turns": theirs.minimum(*turns),
    }


def scores(blocks: Sequence[Block], policy: Policy) -> dict[str, tuple[Score, Score]]:
    """Of each method: on equal variants, and on those 1 % apart."""
    equal, more = methods(blocks, TWO, policy), methods(blocks, MORE, policy)
    return {name: (score(equal[name], 1.0), score(more[name], TRUE_MORE)) for name in equal}


def are_compared(measured: Measured) -> bool:
    """Whether its blocks are those that methods are compared on; else they show what sharing a placement gives."""
    return measured.part.variants is COMPARED


@dataclass(frozen=True)
class Sharing:
    """Of two variants that share their placement in a round, and of the same two that do not.

    ``same``: the share of rounds in which input, weights and output lay at the same places. ``sd``: of a round's log
    ratio within a launch, the root of the mean square over blocks; ``half``: the median half-width of the interval.
    """

    same: float
    sd: float
    half: float


def sharing(blocks: Sequence[Block], policy: Policy) -> dict[tuple[str, str], Sharing]:
    """By how placed (``own``, ``shared``) and what is beside ``one`` (``two``: the same algorithm, ``im2col``)."""
    found = {}
    for how in ("own", "shared"):
        for other in (TWO, "im2col"):
            pair = f"{how} {ONE}", f"{how} {other}"
            logs = [np.log(block.windows[pair[1]] / block.windows[pair[0]]) for block in blocks]
            same = [
                a == b
                for block in blocks
                for a, b in zip(block.addresses[pair[0]], block.addresses[pair[1]], strict=True)
            ]
            intervals = found_of([block.ratio(*pair, policy) for block in blocks])
            found[how, other] = Sharing(
                float(np.mean(same)),
                float(np.sqrt(np.mean([each.var(axis=1, ddof=1).mean() for each in logs]))),
                _middle((intervals.high - intervals.low) / 2),
            )
    return found


def _middle(values: Numbers) -> float:
    """The median of those that are known; NaN of none."""
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else float("nan")
