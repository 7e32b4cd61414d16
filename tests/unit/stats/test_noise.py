"""The noise floor from ratios of equals, and how many false alarms chance explains."""

from __future__ import annotations

import math

import numpy as np
import pytest

from harness.stats.chance import more_than_chance
from harness.stats.interval import Interval, from_launch_logs
from harness.stats.noise import noise_of

pytestmark = pytest.mark.unit


def equals(layers: int, launches: int, spread: float, bias: float = 0.0, seed: int = 1) -> list[Interval]:
    rng = np.random.default_rng(seed)
    return [from_launch_logs((bias + spread * rng.standard_normal(launches)).tolist()) for _ in range(layers)]


def test_the_floor_holds_nineteen_of_twenty_ratios_of_equals() -> None:
    floor = noise_of(equals(200, 8, 0.01)).floor
    assert floor == pytest.approx(math.expm1(1.96 * 0.01 / math.sqrt(8)), rel=0.1)
    others = equals(2000, 8, 0.01, seed=2)
    within = sum(abs(math.log(each.value)) <= math.log1p(floor) for each in others)
    assert 0.93 <= within / len(others) <= 0.97


def test_what_is_off_one_by_more_than_the_intervals_tell_raises_the_floor() -> None:
    assert noise_of(equals(20, 8, 0.001, bias=0.02)).floor == pytest.approx(math.expm1(1.96 * 0.02), rel=0.05)


def test_visible_is_that_of_the_layer_in_the_middle_and_of_the_worst() -> None:
    ratios = [from_launch_logs([0, s, 0, s]) for s in (0.01, 0.02, 0.09)]
    found = noise_of(ratios)
    assert (found.visible, found.worst_visible, found.layers) == (ratios[1].visible, ratios[2].visible, 3)


def test_without_intervals_there_is_no_floor() -> None:
    with pytest.raises(ValueError, match="no ratio"):
        noise_of([])
    with pytest.raises(ValueError, match="without an interval"):
        noise_of([from_launch_logs([0, 0.01])])


@pytest.mark.parametrize(
    ("alarms", "comparisons", "expected"),
    [(0, 40, False), (2, 40, False), (5, 40, False), (7, 40, True), (1, 1, False), (2, 2, True), (2, 12, False)],
)
def test_alarms_beyond_chance(alarms: int, comparisons: int, expected: bool) -> None:
    """Binomial(40, 0.05): 6 or more in 1.4 % of cases, 7 or more in 0.3 %."""
    assert more_than_chance(alarms, comparisons, 0.05) is expected
