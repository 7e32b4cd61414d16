"""Every state in which adb shows a phone is a condition that stops."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.control.conditions.away import of_unusable
from harness.devices.base import Unusable

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("state", "name"),
    [
        ("unauthorized", "UNAUTHORIZED"), ("offline", "OFFLINE"), ("no permissions", "NO_PERMISSIONS"),
        ("no answer", "NO_ANSWER"), ("no shell v2", "NO_SHELL_V2"),
        ("no arm64-v8a", "ABI"), ("authorizing", "NOT_READY"), ("recovery", "NOT_READY"), ("detached", "NOT_READY"),
    ],
)  # fmt: skip
def test_states(state: str, name: str) -> None:
    condition = of_unusable(Unusable("S", state, "do this"))
    assert (condition.name, condition.advice) == (name, "do this")
    assert state in condition.what


def test_a_condition_that_is_known_is_the_one() -> None:
    condition = of_unusable(Unusable("S", "starting", "wait", model="Pixel 3", conditions=("STARTING",)))
    assert (condition.name, condition.advice) == ("STARTING", "wait")


@given(st.text())
def test_any_state(state: str) -> None:
    condition = of_unusable(Unusable("S", state, ""))
    assert condition.kind.stops
    assert condition.advice
