"""Rounds that lack samples, samples without partners, buffers that did not move."""

from __future__ import annotations

import pytest

from harness.judge.placement import unmoved
from harness.judge.rounds import measured_apart, short_of_rounds

pytestmark = pytest.mark.unit


def samples(variant: str, *rounds: int, launch: int = 0) -> list[tuple[object, ...]]:
    return [("l", launch, variant, "hot", "b", 1, number) for number in rounds]


def test_a_variant_lacks_rounds_that_others_have() -> None:
    whole = samples("a", 0, 1, 2) + samples("b", 0, 1, 2)
    assert short_of_rounds(whole) == set()
    assert short_of_rounds(whole + samples("c", 0, 1)) == {("l", "c")}
    assert short_of_rounds(whole + samples("c", 0, 1, launch=1)) == set()
    assert short_of_rounds(whole + samples("c", 0, 1, 1)) == {("l", "c")}


def test_what_another_attempt_measured_alone_is_apart() -> None:
    first = samples("a", 0, 1) + samples("b", 0, 1)
    assert measured_apart([first]) == {}
    assert measured_apart([first, samples("c", 0, 1)]) == {("l", "c", 0): 2}
    assert measured_apart([first, samples("c", 2)]) == {}


def test_a_buffer_that_never_moved_is_told() -> None:
    assert unmoved([("l", "a", ("1", "")), ("l", "a", ("1", "")), ("l", "b", ("1", "7")), ("l", "b", ("2", "7"))]) == [
        ("l", "a", 0),
        ("l", "b", 1),
    ]
    assert unmoved([("l", "a", ("1", "")), ("l", "b", ("1", ""))]) == []
    assert unmoved([("m", "a", ("", "1")), ("l", "a", ("1", "1")), ("l", "a", ("1", "2")), ("m", "a", ("3", "1"))]) == [
        ("m", "a", 1),
        ("l", "a", 0),
    ]
