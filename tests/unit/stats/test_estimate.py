"""Pairs, times, means over layers and shares of peak."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats.estimate import (
    Observation,
    geometric_mean,
    launch_logs,
    mean_of_alike,
    pair_log_ratios,
    peak_share,
    ratio,
    time_of,
)

pytestmark = pytest.mark.unit


def observed(launch: int, round: int, value: float, group: object = 0) -> Observation:
    return Observation(launch, round, (group,), value)


def test_pairs_need_the_same_launch_round_and_group() -> None:
    ours = [observed(0, 0, 1.0), observed(0, 1, 1.0), observed(1, 0, 1.0), observed(1, 2, 1.0, group="old")]
    others = [observed(0, 0, 2.0), observed(0, 2, 9.0), observed(1, 0, 4.0), observed(1, 2, 9.0, group="new")]
    assert pair_log_ratios(ours, others) == {0: [pytest.approx(math.log(2))], 1: [pytest.approx(math.log(4))]}


def test_ratio_is_the_others_time_over_ours() -> None:
    means = launch_logs({n: [math.log(1.5)] * 3 for n in range(4)})
    interval = ratio(means)
    assert interval is not None
    assert interval.value == pytest.approx(1.5)
    assert interval.against_one() == 1


def test_every_launch_weighs_the_same() -> None:
    interval = ratio(launch_logs({0: [0.0] * 100, 1: [0.2]}))
    assert interval is not None
    assert interval.value == pytest.approx(math.exp(0.1))


def test_nothing_gives_nothing() -> None:
    assert ratio({}) is None
    assert time_of({}) is None
    assert time_of({0: []}) is None
    assert geometric_mean([]) is None
    assert geometric_mean([{}, {}]) is None


@given(
    st.lists(st.tuples(st.floats(1, 1e9), st.floats(0.1, 10)), min_size=1, max_size=40),
    st.floats(0.01, 100),
    st.integers(1, 6),
)
def test_common_drift_cancels_and_scale_moves_the_ratio(
    pairs: list[tuple[float, float]], scale: float, rounds: int
) -> None:
    ours = [observed(i // rounds, i % rounds, t) for i, (t, _) in enumerate(pairs)]
    others = [observed(i // rounds, i % rounds, t * r) for i, (t, r) in enumerate(pairs)]
    drifted = [observed(o.launch, o.round, o.value * 1.01**i) for i, o in enumerate(ours)]
    drifted_others = [observed(o.launch, o.round, o.value * scale * 1.01**i) for i, o in enumerate(others)]
    plain = ratio(launch_logs(pair_log_ratios(ours, others)))
    moved = ratio(launch_logs(pair_log_ratios(drifted, drifted_others)))
    assert plain is not None
    assert moved is not None
    assert moved.value == pytest.approx(plain.value * scale, rel=1e-6)
    turned = ratio(launch_logs(pair_log_ratios(others, ours)))
    assert turned is not None
    assert turned.value == pytest.approx(1 / plain.value, rel=1e-6)


def test_time_is_the_median_of_all_samples_with_launches_as_units() -> None:
    interval = time_of({n: [100.0 + n, 100.0 + n, 500.0] for n in range(5)})
    assert interval is not None
    assert interval.value == 103.0
    assert interval.low is not None
    assert interval.high is not None
    assert interval.low < 103.0 < interval.high < 110
    assert interval.launches == 5


@given(st.dictionaries(st.integers(0, 20), st.lists(st.floats(1, 1e9), min_size=1, max_size=9), min_size=1))
def test_time_lies_inside_its_interval(samples: dict[int, list[float]]) -> None:
    interval = time_of(samples)
    assert interval is not None
    assert interval.has_interval == (len(samples) >= 4)
    if interval.low is not None and interval.high is not None:
        assert interval.low <= interval.value <= interval.high


def test_geometric_mean_is_unweighted_over_layers() -> None:
    interval = geometric_mean([{n: math.log(2) for n in range(4)}, {n: math.log(8) for n in range(8)}])
    assert interval is not None
    assert interval.value == pytest.approx(4)
    assert interval.launches == 4
    assert interval.low == pytest.approx(4)


def test_geometric_mean_uses_common_launches_for_the_interval() -> None:
    layers = [{n: 0.1 * n for n in range(6)}, {n: 0.1 * n for n in range(3, 9)}]
    interval = geometric_mean(layers)
    assert interval is not None
    assert interval.launches == 3
    assert not interval.has_interval
    assert interval.value == pytest.approx(math.exp((0.25 + 0.55) / 2))


def test_launch_effects_shared_by_layers_do_not_average_out() -> None:
    effects = [0.0, 0.05, -0.05, 0.02, -0.02]
    one = geometric_mean([dict(enumerate(effects))])
    many = geometric_mean([dict(enumerate(effects)) for _ in range(10)])
    assert one is not None
    assert many is not None
    assert many.low == pytest.approx(one.low)


def test_alike_layers_count_once() -> None:
    assert mean_of_alike([{0: 1.0, 1: 2.0}, {1: 4.0}]) == {0: 1.0, 1: 3.0}


def test_peak_share() -> None:
    # 1,000 FLOP in 100 ns at 1,000 MHz: 100 cycles, 10 FLOP per cycle, of 16
    assert peak_share(1000, 100, 1000, 16) == pytest.approx(0.625)
    assert peak_share(1000, 100, 0, 16) is None
    assert peak_share(1000, math.nan, 1000, 16) is None
