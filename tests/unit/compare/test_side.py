"""Which device of one run is which of the other."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from typing import cast

import pytest

from harness.compare.side import Side, counterparts
from harness.devices.phone_id import PhoneId
from harness.results.results import Results

pytestmark = pytest.mark.unit

A, B, C = (PhoneId(f"SERIAL-{letter}", "Pixel 3", "blueline", f"at-{letter}") for letter in "ABC")


def side(phones: dict[str, PhoneId | None]) -> Side:
    return Side(Path("run"), cast(Results, None), phones)


@pytest.mark.parametrize(
    ("base", "new", "matched"),
    [
        ({"p": A, "q": B}, {"p": B, "q": A}, {"p": "q", "q": "p"}),
        ({"p": A}, {"p": B, "p-2": A}, {"p": "p-2"}),
        ({"p": A, "q": None}, {"q": A, "p": None}, {"p": "q"}),
        ({"p": A, "q": None}, {"p": None, "q": C}, {"p": "p", "q": "q"}),
        ({"p": A}, {"p": B}, {"p": "p"}),
        ({"p": A}, {"q": B}, {}),
    ],
    ids=["swapped", "name-taken", "unknown-under-its-name", "unknown", "another-phone", "nothing"],
)
def test_a_phone_is_found_whatever_the_order(
    base: dict[str, PhoneId | None], new: dict[str, PhoneId | None], matched: dict[str, str]
) -> None:
    """By what it is known by; then by name, of what is left."""
    for ours in permutations(base.items()):
        for theirs in permutations(new.items()):
            assert counterparts(side(dict(ours)), side(dict(theirs))) == matched
