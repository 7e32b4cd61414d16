"""Differences of two builds: coverage, false alarms, and equivalence that is not absence of proof."""

from __future__ import annotations

import math

import numpy as np
import pytest

from harness.stats.difference import Difference, of_launches, of_pairs
from harness.stats.interval import from_launch_logs, visible

pytestmark = pytest.mark.unit

STREAMS = 2000
SD = 0.01


def simulated(true: float, launches: tuple[int, int], seed: int) -> list[Difference]:
    """Differences of two runs with ``true`` as ratio; the new run's launches scatter twice as much."""
    random = np.random.default_rng(seed)
    base = random.normal(math.log(true), SD, (STREAMS, launches[0]))
    new = random.normal(0, 2 * SD, (STREAMS, launches[1]))
    found = [of_launches(ours.tolist(), theirs.tolist()) for ours, theirs in zip(base, new, strict=True)]
    assert None not in found
    return [each for each in found if each is not None]


@pytest.mark.parametrize("launches", [(4, 4), (8, 8), (4, 12)], ids=["few", "more", "uneven"])
def test_the_interval_covers_and_alarms_are_as_rare_as_promised(launches: tuple[int, int]) -> None:
    found = simulated(1.03, launches, seed=1)
    covered = [each.ratio.low <= 1.03 <= each.ratio.high for each in found if each.ratio.low and each.ratio.high]
    assert 0.935 <= np.mean(covered) <= 0.975
    same = simulated(1.0, launches, seed=2)
    assert 0.02 <= np.mean([each.p() < 0.05 for each in same]) <= 0.065
    assert all((each.p() < 0.05) == (each.ratio.against_one() != 0) for each in same)


def test_a_ratio_over_1_is_a_faster_new_build() -> None:
    found = of_launches([math.log(110)] * 3 + [math.log(111)], [math.log(100)] * 3 + [math.log(101)])
    assert found is not None and found.ratio.value == pytest.approx(1.1, rel=1e-3)
    assert found.launches == (4, 4) and not found.paired


def test_a_margin_makes_the_proof_harder() -> None:
    true = 1.02
    found = simulated(true, (8, 8), seed=3)
    assert all(each.p() <= each.p(0.01) <= each.p(0.02) for each in found)
    assert np.mean([each.p(true - 1) < 0.05 for each in found]) <= 0.065  # at the margin itself
    assert np.mean([each.p(0.0) < 0.05 for each in found]) > 0.3


def test_what_is_shown_to_be_the_same_seldom_differs_by_the_margin() -> None:
    at_the_margin = simulated(1.02, (8, 8), seed=4)
    assert np.mean([each.p_same(0.02) < 0.05 for each in at_the_margin]) <= 0.065
    equal = simulated(1.0, (30, 30), seed=5)
    assert np.mean([each.p_same(0.02) < 0.05 for each in equal]) > 0.95
    loose = simulated(1.0, (4, 4), seed=6)
    assert np.mean([each.p() >= 0.05 and each.p_same(0.005) >= 0.05 for each in loose]) > 0.8  # neither is proven


def test_pairs_give_the_interval_of_a_run() -> None:
    means = [0.01, 0.02, 0.015, 0.03, 0.022]
    found = of_pairs(means)
    assert found is not None and found.paired
    expected = from_launch_logs(means)
    ratio = found.ratio
    values = (ratio.value, ratio.low, ratio.high)
    assert values == pytest.approx((expected.value, expected.low, expected.high)) and ratio.launches == 5
    assert found.visible() == pytest.approx(visible(means))


def test_what_is_visible_is_seen_that_often() -> None:
    least = float(np.median([each.visible() for each in simulated(1.0, (8, 8), seed=7)]))
    seen = np.mean([each.p() < 0.05 for each in simulated(1 + least, (8, 8), seed=8)])
    assert 0.85 <= seen <= 0.95


@pytest.mark.parametrize(
    ("base", "new"), [([0.0] * 3, [0.0] * 9), ([0.0] * 9, [0.0] * 3), ([], [])], ids=["base", "new", "none"]
)
def test_three_launches_are_too_few(base: list[float], new: list[float]) -> None:
    assert of_launches(base, new) is None
    assert of_pairs(new[:3]) is None


def test_launches_without_any_scatter() -> None:
    equal, apart = of_launches([1.0] * 4, [1.0] * 4), of_launches([1.0] * 4, [1.1] * 4)
    assert equal is not None and apart is not None
    assert (equal.p(), equal.p_same(0.01), equal.ratio.low) == (1.0, 0.0, 1.0)
    assert (apart.p(), apart.p_same(0.01), apart.visible()) == (0.0, 1.0, 0.0)
