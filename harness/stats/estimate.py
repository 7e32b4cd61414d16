"""Estimates from samples: the time of a variant, the ratio of two, and means over layers.

Samples come as mappings from launch to values. Two variants are compared only within a round: each pair of one round of
one launch (and one worker process) gives a log ratio, so that drift slower than a round cancels.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from statistics import fmean, median
from typing import NamedTuple

from harness.model.launches import LEAST_LAUNCHES
from harness.stats.interval import Interval, from_launch_logs
from harness.stats.location import hodges_lehmann

LaunchLogs = Mapping[int, float]  # launch -> its log ratio


RoundLogs = Mapping[tuple[int, int, Hashable], float]  # launch, round, group -> mean log time


class Observation(NamedTuple):
    """One timed sample: ``group`` is equal for samples that may be paired (same run of records, same process)."""

    launch: int
    round: int
    group: Hashable
    value: float  # time, nanoseconds per call; over 0


def pair_log_ratios(ours: Sequence[Observation], others: Sequence[Observation]) -> dict[int, list[float]]:
    """Log of the other's time over ours, of every pair in the same launch, round and group: launch -> log ratios.

    A sample without partner is left out. Where a round holds a variant more than once, its mean log counts.
    """
    return pair_logs(round_logs(ours), round_logs(others))


def pair_logs(ours: RoundLogs, others: RoundLogs) -> dict[int, list[float]]:
    """The same, of what ``round_logs`` made of the samples: for where a variant is compared with several."""
    pairs: dict[int, list[float]] = {}
    for key, value in ours.items():
        other = others.get(key)
        if other is not None:
            pairs.setdefault(key[0], []).append(other - value)
    return pairs


def launch_logs(log_values: Mapping[int, Sequence[float]]) -> dict[int, float]:
    """What each launch says, of its log values: Hodges and Lehmann's estimate; launches without any are left out."""
    return {launch: hodges_lehmann(v) for launch, v in sorted(log_values.items()) if v}


def turned(means: LaunchLogs) -> LaunchLogs:
    """The same comparison the other way round: its ratio is the reciprocal."""
    return {launch: -mean for launch, mean in means.items()}


def ratio(means: LaunchLogs) -> Interval | None:
    """The ratio from launches' log ratios: their mean, Student's t with launches - 1 degrees of freedom.

    None for no launch; no interval with fewer than 4.
    """
    return from_launch_logs(list(means.values())) if means else None


def time_of(samples: Mapping[int, Sequence[float]]) -> Interval | None:
    """Median of all samples (launch -> times), with an interval around it from the launches' log medians.

    The spread between launches makes the interval (t, launches - 1 degrees of freedom): samples of one launch are
    not independent. None for no sample.
    """
    filled = [v for v in samples.values() if v]
    if not filled:
        return None
    middle = median([value for v in filled for value in v])
    logs = [math.log(median(v)) for v in filled]
    around = from_launch_logs(logs, center=math.log(middle))
    if around.low is None or around.high is None:
        return Interval(middle, None, None, around.launches)
    return Interval(middle, min(around.low, middle), max(around.high, middle), around.launches)  # exp(log) may round


def geometric_mean(layers: Sequence[LaunchLogs]) -> Interval | None:
    """Unweighted geometric mean of layers' ratios; one mapping (launch -> log ratio) per distinct layer.

    The value is the geometric mean of the layers' own ratios, each from all of its launches. The interval comes from
    the launches that every layer has: per launch the mean over layers, then t over launches. With fewer than 4 such
    launches there is none. It covers the error of measurement only: another choice of layers would give another mean.
    """
    filled = [means for means in layers if means]
    if not filled:
        return None
    center = fmean(fmean(means.values()) for means in filled)
    common = sorted(set.intersection(*(set(means) for means in filled)))
    if len(common) < LEAST_LAUNCHES:
        return Interval(math.exp(center), None, None, len(common))
    return from_launch_logs([fmean(means[launch] for means in filled) for launch in common], center=center)


def mean_of_alike(layers: Sequence[LaunchLogs]) -> LaunchLogs:
    """Several layers of one shape as one: per launch the mean over those that have it."""
    if len(layers) == 1:
        return dict(sorted(layers[0].items()))
    launches = sorted(set().union(*layers))
    return {n: fmean(means[n] for means in layers if n in means) for n in launches}


def peak_share(flop: float, ns: float, mhz: float, peak_flop_per_cycle: float) -> float | None:
    """FLOP per cycle of a sample over FLOP per cycle of the peak probe; None where a number makes no sense.

    ``ns``: time of one call; ``mhz``: the core's clock around the sample.
    """
    inf = math.inf
    if not (flop > 0 and 0 < ns < inf and 0 < mhz < inf and 0 < peak_flop_per_cycle < inf):
        return None
    cycles = ns * mhz / 1e3
    return flop / cycles / peak_flop_per_cycle


def round_logs(samples: Sequence[Observation]) -> dict[tuple[int, int, Hashable], float]:
    """The log time of each launch, round and group; the mean of the logs where there are several samples."""
    keys = [(launch, number, group) for launch, number, group, _ in samples]
    single = dict(zip(keys, [math.log(value) for *_, value in samples], strict=True))
    if len(single) == len(samples):
        return single
    logs: dict[tuple[int, int, Hashable], list[float]] = {}
    for launch, number, group, value in samples:
        logs.setdefault((launch, number, group), []).append(math.log(value))
    return {key: math.fsum(values) / len(values) for key, values in logs.items()}
