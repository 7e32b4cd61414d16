"""Tests of ratios of best to published, and of the lines of records."""

from __future__ import annotations

import pytest

from harness.judge import comparison, lines

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(("mean", "worst", "weak"), [(0.85, 0.7, False), (0.84, 0.9, True), (0.9, 0.69, True)])
def test_a_baseline_is_weak_in_the_mean_or_on_a_layer(mean: float, worst: float, weak: bool) -> None:
    assert comparison.is_weak_baseline(mean, worst) == weak


@pytest.mark.parametrize(
    ("ratio", "high", "slower"), [(0.9, 0.94, True), (0.96, 0.98, False), (0.9, 1.0, False), (0.5, None, False)]
)
def test_what_may_be_noise_is_not_slower(ratio: float, high: float | None, slower: bool) -> None:
    assert comparison.is_clearly_slower(ratio, high) == slower


def test_lines_need_not_come_in_order() -> None:
    assert lines.gaps([2, 0, 1], 5) == [(3, 4)]
    assert lines.surplus([2, 0, 1, 7], 5) == 1
