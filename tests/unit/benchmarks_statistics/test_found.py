"""How what methods say is counted."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.statistics.found import Found, Share, covers_as_promised, score

pytestmark = pytest.mark.unit


def test_of_intervals_decides_by_one() -> None:
    found = Found.of_intervals(np.ones(4), np.array([0.9, 1.1, 0.8, np.nan]), np.array([1.1, 1.2, 0.9, np.nan]))
    assert found.side.tolist() == [0, 1, -1, 0]


def test_score_counts_by_the_true_ratio() -> None:
    low, high = np.array([0.99, 1.005, 1.02, 0.98, np.nan]), np.array([1.02, 1.02, 1.03, 0.99, np.nan])
    found = Found.of_intervals(np.array([1.01, 1.01, 1.025, 0.985, 1.0]), low, high)
    got = score(found, 1.01)
    assert (got.covered, got.alarms, got.seen, got.none) == (Share(2, 4), Share(3, 5), Share(2, 5), 1)
    assert got.half == pytest.approx(0.00625)
    assert got.error == pytest.approx(np.sqrt(np.mean((np.array([1.01, 1.01, 1.025, 0.985, 1.0]) / 1.01 - 1) ** 2)))
    assert score(found, 1.0).seen == Share(0, 5)  # of what is equal there is no side to see


def test_a_share_has_the_exact_binomial_interval() -> None:
    low, high = Share(1900, 2000).interval
    assert (low, high) == pytest.approx((0.9395, 0.9591), abs=1e-4)
    assert str(Share(1900, 2000)) == "95.0 % [94.0 %, 95.9 %]"
    assert str(Share(0, 0)) == "–"


@pytest.mark.parametrize(
    ("hits", "holds"), [(1859, False), (1860, True), (1900, True), (1940, True), (1941, False)], ids=str
)
def test_coverage_has_a_target(hits: int, holds: bool) -> None:
    assert covers_as_promised(Share(hits, 2000)) == holds


def test_joined_is_one_behind_the_other() -> None:
    one = Found.of_intervals(np.ones(2), np.ones(2), np.ones(2))
    assert len(Found.joined([one, one]).value) == 4
