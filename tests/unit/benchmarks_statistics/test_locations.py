"""Other locations of a launch: what moves them."""

from __future__ import annotations

import pytest

from benchmarks.statistics.locations import mean, median, ratio_by
from harness.stats.interval import from_launch_logs

pytestmark = pytest.mark.unit


def test_one_wild_value_of_ten_moves_the_mean_and_not_the_median() -> None:
    calm = [0.001 * n for n in range(-5, 5)]
    wild = [*calm[:-1], 9.0]
    assert median(wild) == pytest.approx(median(calm), abs=0.002)
    assert mean(wild) == pytest.approx(0.9, abs=0.01)


def test_the_ratio_is_made_of_launches_as_the_harness_makes_it() -> None:
    launches = [[0.0, 0.01, 0.05], [0.02], [], [0.01, 0.03], [0.0, 0.0, 0.0, 1.0]]
    assert ratio_by(median, launches) == from_launch_logs([0.01, 0.02, 0.02, 0.0])
    assert ratio_by(median, [[], []]) is None
