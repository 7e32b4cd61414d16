"""Frozen sensors."""

from __future__ import annotations

import pytest

from harness.judge.sensor import is_frozen

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("readings", "frozen"),
    [
        pytest.param([31.0] * 40, True, id="the same bytes all the time"),
        pytest.param([31.0], True, id="read once"),
        pytest.param([], True, id="never read"),
        pytest.param([31.0] * 39 + [31.1], False, id="it moves"),
    ],
)
def test_what_never_moves_is_frozen(readings: list[float], frozen: bool) -> None:
    assert is_frozen(readings) is frozen
