"""One value for many: that of its definition, whatever the number of values; turned and moved with them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats.location import hodges_lehmann

pytestmark = pytest.mark.unit

LOGS = st.floats(min_value=-3, max_value=3, allow_subnormal=False)


def _by_definition(values: list[float]) -> float:
    array = np.asarray(values)
    first, second = np.triu_indices(len(array))
    return float(np.median((array[first] + array[second]) / 2))


def test_it_is_the_median_of_the_means_of_pairs() -> None:
    assert hodges_lehmann([1.0, 2.0, 6.0]) == pytest.approx(2.75)  # of 1, 1.5, 2, 3.5, 4, 6
    assert hodges_lehmann([3.0]) == 3.0


@given(st.lists(LOGS, min_size=1, max_size=90))
def test_few_and_many_values_as_it_is_defined(values: list[float]) -> None:
    assert hodges_lehmann(values) == pytest.approx(_by_definition(values), abs=1e-12)


@pytest.mark.parametrize("count", [64, 65, 400, 401])
def test_two_ways_of_seeking_find_the_same(count: int) -> None:
    values = np.random.default_rng(count).standard_cauchy(count).tolist()
    assert hodges_lehmann(values) == pytest.approx(_by_definition(values), abs=1e-12)


@given(st.lists(LOGS, min_size=1, max_size=90), LOGS)
def test_it_turns_and_moves_with_the_values(values: list[float], by: float) -> None:
    found = hodges_lehmann(values)
    assert hodges_lehmann([-each for each in values]) == pytest.approx(-found, abs=1e-12)
    assert hodges_lehmann([each + by for each in values]) == pytest.approx(found + by, abs=1e-12)


def test_a_fifth_that_is_far_off_moves_it_little() -> None:
    near = [0.001 * number for number in range(-4, 4)]
    assert abs(hodges_lehmann([*near, 5.0, 7.0])) < 0.01


def test_equal_values_are_themselves() -> None:
    assert hodges_lehmann([0.25] * 1000) == 0.25
