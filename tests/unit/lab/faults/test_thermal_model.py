"""Heat that rises with load, and the clocks it leaves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.lab.faults.thermal_model import AMBIENT_C, RISE_C, Body

pytestmark = pytest.mark.unit

STEPS = [300, 600, 900, 1200]


@given(st.floats(0, 8), st.floats(0.01, 20), st.integers(1, 20))
def test_the_temperature_goes_one_way_and_by_the_time_alone(busy: float, seconds: float, parts: int) -> None:
    whole = Body(40.0).after(seconds, busy)
    body = Body(40.0)
    for _ in range(parts):
        after = body.after(seconds / parts, busy)
        assert after.celsius >= body.celsius - 1e-9
        body = after
    assert body.celsius == pytest.approx(whole.celsius)
    assert AMBIENT_C <= whole.celsius <= AMBIENT_C + RISE_C * busy + 1e-9


def test_clocks_and_status_follow_the_temperature() -> None:
    seen = [
        (Body(40.0, celsius).clock(STEPS), Body(40.0, celsius).status) for celsius in (39.9, 40.0, 41.5, 46.0, 70.0)
    ]
    assert seen == [(1200, 0), (900, 1), (600, 1), (300, 2), (300, 4)]


def test_it_cools_down_again() -> None:
    hot = Body(40.0).after(60, 1.0)
    assert hot.celsius == pytest.approx(AMBIENT_C + RISE_C, abs=0.01)
    assert hot.after(60, 0.0).celsius == pytest.approx(AMBIENT_C, abs=0.01)
