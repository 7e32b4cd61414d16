"""Numbers in what a device says."""

from __future__ import annotations

import pytest
from hypothesis import given

from harness.devices.number import LARGEST, number
from tests.mutation import mutated

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("text", "value"),
    [("7", 7), (" 0007\r\n", 7), ("0x1F", 31), ("-3", None), ("10", 10), ("11", None), ("9" * 5000, None)]
    + [(text, None) for text in ("", "x", "1_0", "+1", "1.0", "1e1", "\u00b2", "\u0663", "0x", "3 4")],
)  # fmt: skip
def test_within_bounds_or_none(text: str, value: int | None) -> None:
    high = 31 if text.startswith("0x1") else 10
    assert number(text, 0, high) == value


@given(mutated(b"1804800\n", b"0x00000000516f802d\n", b"-12"))
def test_whatever_it_says(said: bytes) -> None:
    value = number(said.decode("utf-8", "replace"))
    assert value is None or 0 <= value <= LARGEST
