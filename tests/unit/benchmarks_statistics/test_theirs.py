"""The methods of others: what each decides, and by which test."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import mannwhitneyu, ttest_rel

from benchmarks.statistics import theirs
from benchmarks.statistics.found import Found
from benchmarks.statistics.noise import Numbers

pytestmark = pytest.mark.unit

METHODS: dict[str, Callable[[Numbers, Numbers], Found]] = {
    "welch": theirs.sequential_means,
    "pyperf": theirs.pyperf,
    "u test": theirs.google_benchmark,
    "minimum": theirs.minimum,
    "unpaired": lambda a, b: theirs.unpaired_blocks(a.reshape(-1, 8, 10), b.reshape(-1, 8, 10)),
    "paired": lambda a, b: theirs.paired_blocks(a.reshape(-1, 8, 10), b.reshape(-1, 8, 10)),
}


def samples(truth: float, count: int = 400) -> tuple[Numbers, Numbers]:
    dice = np.random.default_rng(7)
    return 12e6 * dice.normal(1, 0.01, (count, 80)), truth * 12e6 * dice.normal(1, 0.01, (count, 80))


@pytest.mark.parametrize("name", METHODS)
def test_a_large_difference_is_seen_on_its_side(name: str) -> None:
    a, b = samples(1.05)
    found = METHODS[name](a, b)
    assert np.all(found.side == 1) and np.all(METHODS[name](b, a).side == -1)
    assert found.value.mean() == pytest.approx(1.05, rel=0.005)


@pytest.mark.parametrize("name", [name for name in METHODS if name not in ("minimum", "u test")])
def test_on_independent_samples_intervals_cover(name: str) -> None:
    found = METHODS[name](*samples(1.01))
    covered = np.mean((found.low <= 1.01) & (found.high >= 1.01))
    assert 0.91 < covered < 0.985


def test_what_has_no_interval_has_none() -> None:
    for name in ("minimum", "u test"):
        found = METHODS[name](*samples(1.0))
        assert np.all(np.isnan(found.low)) and np.all(np.isnan(found.high))


def test_the_u_test_is_of_ten_repetitions() -> None:
    a, b = samples(1.003, 50)
    found = theirs.google_benchmark(a, b)
    for n in range(50):
        mine, other = (values[n].reshape(10, 8).mean(axis=1) for values in (a, b))
        assert (mannwhitneyu(mine, other).pvalue < 0.05) == (found.side[n] != 0)


def test_paired_blocks_are_pairs_of_launches() -> None:
    a, b = (values.reshape(-1, 8, 10) for values in samples(1.002, 50))
    found = theirs.paired_blocks(a, b)
    for n in range(50):
        assert (ttest_rel(a[n].mean(axis=1), b[n].mean(axis=1)).pvalue < 0.05) == (found.side[n] != 0)


def test_minima_differ_by_half_of_what_is_to_be_seen() -> None:
    a = np.full((3, 4), 100.0)
    b = a * np.array([[1.004], [1.006], [0.994]])
    assert theirs.minimum(a, b).side.tolist() == [0, 1, -1]
