"""Coverage of the interval on synthetic streams, and what destroying the pairs does to it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from harness.stats.interval import POWER, Interval, from_launch_logs, half_width, visible

pytestmark = pytest.mark.unit

TRUE_RATIO = 1.10
STREAMS = 1000
ROUNDS = 8


def synthetic(launches: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Times (streams, launches, rounds) of A and B: B takes 1.10 times A's; 20 % drift over the run; per launch an
    effect on the ratio (sd 2 %) and one on both; noise in each sample (sd 1 %)."""
    random = np.random.default_rng(seed)
    drift = np.linspace(0, math.log(1.2), launches * ROUNDS).reshape(launches, ROUNDS)
    both = random.normal(0, 0.02, (STREAMS, launches, 1))
    effect = random.normal(0, 0.02, (STREAMS, launches, 1))
    noise = random.normal(0, 0.01, (2, STREAMS, launches, ROUNDS))
    ours = np.exp(drift + both + noise[0])
    others = np.exp(drift + both + effect + math.log(TRUE_RATIO) + noise[1])
    return ours, others


def half_widths(logs: NDArray[np.float64]) -> NDArray[np.float64]:
    """(streams, launches) -> (streams,)."""
    return np.array([half_width(stream) for stream in logs.tolist()])


@pytest.mark.parametrize("launches", [4, 8])
def test_coverage_is_95_percent(launches: int) -> None:
    ours, others = synthetic(launches, seed=launches)
    means = np.log(others / ours).mean(axis=-1)
    error = np.abs(means.mean(axis=-1) - math.log(TRUE_RATIO))
    coverage = float((error <= half_widths(means)).mean())
    assert 0.92 <= coverage <= 0.98


@pytest.mark.parametrize("launches", [4, 8])
def test_destroyed_pairs_widen_the_interval(launches: int) -> None:
    ours, others = synthetic(launches, seed=launches)
    paired = half_widths(np.log(others / ours).mean(axis=-1))
    mixed = np.random.default_rng(1).permuted(others.reshape(STREAMS, -1), axis=1).reshape(others.shape)
    unpaired = half_widths(np.log(mixed / ours).mean(axis=-1))
    assert np.median(unpaired) > 1.5 * np.median(paired)


def test_treating_rounds_as_units_would_cover_too_little() -> None:
    """What the launch as the unit guards against: shows that the coverage test can fail."""
    ours, others = synthetic(8, seed=8)
    logs = np.log(others / ours).reshape(STREAMS, -1)
    error = np.abs(logs.mean(axis=-1) - math.log(TRUE_RATIO))
    assert (error <= half_widths(logs)).mean() < 0.85


def test_known_interval() -> None:
    # t(0.975, 3) = 3.182446; sd of (1, 2, 3, 4) = 1.290994
    logs = [0.01, 0.02, 0.03, 0.04]
    half = 3.182446305 * 0.01290994449 / 2
    interval = from_launch_logs(logs)
    assert interval.value == pytest.approx(math.exp(0.025))
    assert interval.low == pytest.approx(math.exp(0.025 - half), rel=1e-8)
    assert interval.high == pytest.approx(math.exp(0.025 + half), rel=1e-8)
    assert interval.launches == 4


def test_fewer_than_four_launches_have_no_interval() -> None:
    interval = from_launch_logs([0.1, 0.1, 0.1])
    assert interval.value == pytest.approx(math.exp(0.1))
    assert interval.launches == 3
    assert not interval.has_interval
    assert interval.against_one() == 0


def test_no_launch_is_an_error() -> None:
    with pytest.raises(ValueError, match="no launches"):
        from_launch_logs([])


@given(st.lists(st.floats(-2, 2), min_size=4, max_size=16))
def test_value_lies_inside_and_the_opposite_turns_it_around(logs: list[float]) -> None:
    interval = from_launch_logs(logs)
    assert interval.low is not None
    assert interval.high is not None
    assert interval.low <= interval.value <= interval.high
    opposite = from_launch_logs([-value for value in logs])
    assert opposite.low == pytest.approx(1 / interval.high)
    assert opposite.high == pytest.approx(1 / interval.low)
    assert opposite.value == pytest.approx(1 / interval.value)
    assert opposite.against_one() == -interval.against_one()


@pytest.mark.parametrize(("low", "high", "expected"), [(1.01, 1.2, 1), (0.8, 0.99, -1), (0.99, 1.01, 0), (1.0, 1.1, 0)])
def test_against_one(low: float, high: float, expected: int) -> None:
    assert Interval((low * high) ** 0.5, low, high, 8).against_one() == expected


def test_what_is_visible_is_seen_nine_times_out_of_ten() -> None:
    """At a true difference of what launches of that spread can show, so many intervals keep clear of 1."""
    launches, spread = 8, 0.01
    rng = np.random.default_rng(20190704)
    streams = spread * rng.standard_normal((4000, launches))
    told = math.log1p(visible([spread * math.sqrt((launches - 1) / launches), -spread * math.sqrt(7 / 8)] * 4) or 0)
    seen = sum(from_launch_logs((told + stream).tolist()).against_one() == 1 for stream in streams)
    assert seen / len(streams) == pytest.approx(POWER, abs=0.02)


@given(st.lists(st.floats(-2, 2), min_size=4, max_size=16))
def test_an_interval_tells_what_it_could_have_shown_by_its_width(logs: list[float]) -> None:
    assert from_launch_logs(logs).visible == pytest.approx(visible(logs), rel=1e-6, abs=1e-9)


def test_the_width_is_from_end_to_end() -> None:
    means = [0.0, 0.01, 0.02, 0.01, 0.0]
    assert from_launch_logs(means).width == pytest.approx(math.exp(2 * half_width(means)) - 1)
    assert from_launch_logs(means[:3]).width is None
    assert Interval(1.0, 0.0, 2.0, 4).width is None  # of garbage: no ratio is 0


@pytest.mark.parametrize("interval", [Interval(1.0, None, None, 3), Interval(1.0, 0.0, 1e300, 4)], ids=["few", "wide"])
def test_without_an_interval_nothing_is_visible(interval: Interval) -> None:
    assert interval.visible is None
