"""The harness's own way, by its own code: verdicts, further rounds, pairs, launch means, the interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.statistics.found import Found
from benchmarks.statistics.noise import COUNTS, EVIDENCE, Numbers
from benchmarks.statistics.streams import Streams
from harness.judge.rounds import too_few
from harness.judge.sample import Evidence
from harness.judge.verdict import Setting, judge
from harness.model.policy import Policy
from harness.model.variant import Variant
from harness.results.pairs import compare
from harness.results.rows import Row, RowKey
from harness.stats.estimate import Observation
from harness.stats.interval import Interval

_CPU = 1
SIDES = ("indirect", "im2col")  # A, B: names under which the harness compares two algorithms
Judged = tuple[Observation, bool]  # a sample, and whether it is tainted
Verdict = tuple[NDArray[np.bool_], NDArray[np.bool_]]  # what is measured of a stream, and what of it is left out


@dataclass(frozen=True)
class Sided:
    """Arrays over variant, stream, launch, round: the times, and what is judged of them."""

    windows: Numbers
    lost: Numbers
    evidence: dict[str, Numbers]
    counts: dict[str, Numbers]
    rise_c: Numbers
    rounds: int  # those beyond are of a further attempt

    @classmethod
    def of(cls, streams: Streams, windows: Numbers) -> Sided:
        """The variants taking turns."""
        return cls(
            windows,
            streams.sided(streams.lost),
            {name: streams.sided(streams.evidence[name]) for name in EVIDENCE},
            {name: streams.sided(streams.counts[name].astype(np.float64)) for name in COUNTS},
            streams.sided(streams.rise_c),
            streams.rounds,
        )


def ours(sided: Sided, policy: Policy, verdicts: Sequence[Verdict] | None = None) -> Found:
    """The interval of B's time over A's on each stream, as a report would have it; ``verdicts``: where made before."""
    verdicts = judge_all(sided, policy) if verdicts is None else verdicts
    return found_of([_one(sided, number, verdict, policy) for number, verdict in enumerate(verdicts)])


def judge_all(sided: Sided, policy: Policy) -> list[Verdict]:
    """What ``tainted`` says of each stream."""
    return [tainted(sided, number, policy) for number in range(sided.windows.shape[1])]


def valid_logs(sided: Sided, verdicts: Sequence[Verdict]) -> list[list[Numbers]]:
    """Of each stream, by launch, the log ratios of its valid pairs."""
    logs = np.log(sided.windows[1] / sided.windows[0])
    return [
        [row[pairs] for row, pairs in zip(stream, measured & ~masks.any(axis=0), strict=True)]
        for stream, (measured, masks) in zip(logs, verdicts, strict=True)
    ]


def found_of(intervals: Sequence[Interval | None]) -> Found:
    """The same as arrays."""
    value = np.array([np.nan if each is None else each.value for each in intervals])
    low = np.array([np.nan if each is None or each.low is None else each.low for each in intervals])
    high = np.array([np.nan if each is None or each.high is None else each.high for each in intervals])
    return Found.of_intervals(value, low, high)


def tainted(sided: Sided, number: int, policy: Policy) -> Verdict:
    """Of a stream, by launch and round which rounds are measured; and by variant too, which samples are left out.

    As many further rounds of a launch as hold a tainted sample.
    """
    launches, every = sided.windows.shape[2:]
    measured = np.broadcast_to(np.arange(every) < sided.rounds, (launches, every)).copy()
    masks = _judged(sided, number, measured, policy)
    if policy.verdicts and policy.again_share:
        again = np.count_nonzero(masks.any(axis=0), axis=1)[:, np.newaxis]
        further = np.arange(every) - sided.rounds
        measured |= (further >= 0) & (further < again)
        masks = _judged(sided, number, measured, policy)
    return measured, masks


def _one(sided: Sided, number: int, verdict: Verdict, policy: Policy) -> Interval | None:
    measured, masks = verdict
    launches, rounds = (indices.tolist() for indices in np.nonzero(measured))
    places = [(launch, n, (n >= sided.rounds, launch)) for launch, n in zip(launches, rounds, strict=True)]
    sides = []
    for side in range(2):
        windows, out = sided.windows[side, number][measured].tolist(), masks[side][measured].tolist()
        every = zip(places, windows, out, strict=True)
        sides.append([(Observation(*place, window), left) for place, window, left in every])
    return ratio_of(sides[0], sides[1], policy)


def ratio_of(a: Sequence[Judged], b: Sequence[Judged], policy: Policy) -> Interval | None:
    """The ratio of B's time over A's from their samples, each with whether it is tainted; None: not judged."""
    rows = [_row(name, samples, policy) for name, samples in zip(SIDES, (a, b), strict=True)]
    compare(rows, policy.least_pairs)
    return rows[0].ratio(SIDES[1])


def _row(name: str, samples: Sequence[Judged], policy: Policy) -> Row:
    what = Variant(name=f"{name}/k", asked=name, algorithm=name, kernel="k", schedule="k", build="b", cache="hot")
    row = Row(RowKey("simulated", str(_CPU), "layer", what), "ok")
    row.observations = [each for each, left in samples if not left]
    row.tainted = [(each, 1) for each, left in samples if left]
    if row.tainted and too_few(len(row.observations), len(samples), policy.least_pairs):
        row.status = "unjudged"  # as harness.results.gather has it
    return row


def _judged(sided: Sided, number: int, measured: NDArray[np.bool_], policy: Policy) -> NDArray[np.bool_]:
    """Which samples of what was measured are tainted; False for what was not."""
    masks = np.zeros((2, *measured.shape), dtype=np.bool_)
    if policy.verdicts:
        taken = np.broadcast_to(measured, masks.shape)
        masks[taken] = judge(*_evidence(sided, number, taken), policy).masks != 0
    return masks


def _evidence(sided: Sided, number: int, taken: NDArray[np.bool_]) -> tuple[Evidence, Setting]:
    windows = sided.windows[:, number][taken]
    count = len(windows)
    cpus, none = np.full(count, _CPU), np.zeros(count, dtype=np.int64)
    of = {name: sided.evidence[name][:, number][taken] for name in EVIDENCE}
    of |= {name: sided.counts[name][:, number][taken] for name in COUNTS}
    of["settle_capped"] = of["settle_capped"] != 0
    evidence = Evidence(
        cpu_before=cpus,
        cpu_after=cpus,
        repinned=none,
        window_short=none.astype(np.bool_),
        nivcsw=none,
        window_ns=windows,
        cpu_ns=windows * (1 - sided.lost[:, number][taken]),
        span_ns=windows,
        **of,
    )
    rise = sided.rise_c[:, number][taken]
    unknown, never = np.full(count, np.nan), np.zeros(count, dtype=np.bool_)
    setting = Setting(
        row=np.repeat(np.arange(2), count // 2),
        build=none,
        cap_khz=unknown,
        rise_c=rise,
        start_c=unknown,
        rebooted=never,
        cpu=cpus,
        threads=none + 1,
        asleep=unknown,
        saving=unknown,
        thermal_status=unknown,
        round_khz=unknown,
        emulated=False,
    )
    return evidence, setting
