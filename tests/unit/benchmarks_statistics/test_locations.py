"""Robust locations of a launch: what they are, and what moves them."""

from __future__ import annotations

import pytest

from benchmarks.statistics.locations import LOCATIONS, hodges_lehmann, median, ratio_by
from harness.stats.interval import from_log_means

pytestmark = pytest.mark.unit


def test_hodges_lehmann_is_the_median_of_means_of_pairs() -> None:
    assert hodges_lehmann([1.0, 2.0, 6.0]) == pytest.approx(2.75)  # of 1, 1.5, 2, 3.5, 4, 6
    assert hodges_lehmann([3.0]) == 3.0


@pytest.mark.parametrize("name", LOCATIONS)
def test_one_wild_value_of_ten_moves_it_little(name: str) -> None:
    calm = [0.001 * n for n in range(-5, 5)]
    assert LOCATIONS[name]([*calm[:-1], 9.0]) == pytest.approx(LOCATIONS[name](calm), abs=0.002)


def test_the_ratio_is_made_of_launches_as_the_harness_makes_it() -> None:
    launches = [[0.0, 0.01, 0.05], [0.02], [], [0.01, 0.03], [0.0, 0.0, 0.0, 1.0]]
    assert ratio_by(median, launches) == from_log_means([0.01, 0.02, 0.02, 0.0])
    assert ratio_by(median, [[], []]) is None
