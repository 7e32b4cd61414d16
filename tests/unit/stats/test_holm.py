"""Holm's correction."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats.holm import holm

pytestmark = pytest.mark.unit

PROBABILITIES = st.lists(st.floats(0, 1), max_size=30)


def test_the_textbook_example() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


@given(PROBABILITIES)
def test_order_is_kept_and_nothing_becomes_less_likely(values: list[float]) -> None:
    found = holm(values)
    assert all(0 <= value <= new <= 1 for value, new in zip(values, found, strict=True))
    assert all(found[a] <= found[b] for a in range(len(values)) for b in range(len(values)) if values[a] < values[b])


def test_one_false_alarm_in_twenty_families_of_a_hundred() -> None:
    random = np.random.default_rng(1)
    alarms = [min(holm(random.uniform(size=100).tolist())) < 0.05 for _ in range(1000)]
    assert 0.03 <= np.mean(alarms) <= 0.07
