"""Stopping rules: what is stopped on, and what a bad rule does to the coverage."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.statistics.devices import KINDS
from benchmarks.statistics.found import score
from benchmarks.statistics.noise import Noise
from benchmarks.statistics.ours import Sided, ours
from benchmarks.statistics.repetition import as_soon_as_narrow, fixed, logs_of_launches, repeated
from benchmarks.statistics.streams import draw
from harness.model.policy import Policy

pytestmark = pytest.mark.unit

POLICY = Policy(name="p")


def test_launches_say_what_those_of_the_harness_do(noise: Noise) -> None:
    dice = np.random.default_rng(4)
    streams = KINDS[4].make(draw(noise, 20, dice), dice)  # some samples are tainted
    sided = Sided.of(streams, streams.in_turns(1.01, dice))
    found, expected = repeated(logs_of_launches(sided, POLICY), fixed, 8, 0.01, 8).found, ours(sided, POLICY)
    assert found.value == pytest.approx(expected.value)
    assert found.low == pytest.approx(expected.low) and found.high == pytest.approx(expected.high)


def test_a_rule_is_asked_again_until_it_wants_no_more() -> None:
    asked: list[int] = []

    def rule(ratios: object, launches: int, precision: float, most: int) -> int:
        assert precision == 0.01 and most == 12 and len(next(iter(ratios))) == launches  # type: ignore[call-overload]
        asked.append(launches)
        return min(launches + 3, 10)

    ended = repeated([[0.0, 0.01] * 6], rule, 4, 0.01, 12)
    assert asked == [4, 7, 10] and ended.launches == [10]


def test_no_rule_goes_beyond_what_there_is() -> None:
    ended = repeated([[0.0, 0.1] * 3, []], lambda *_: 99, 4, 0.01, 99)
    assert ended.launches == [6, 0]
    assert np.isnan(ended.found.value[1])


def test_to_stop_as_soon_as_it_is_narrow_shortens_intervals() -> None:
    """That is what a rule has to avoid, and what this shows of one that does not."""
    means = np.random.default_rng(5).normal(0, 0.008, (2000, 64)).tolist()
    naive = score(repeated(means, as_soon_as_narrow, 4, 0.01, 64).found, 1.0)
    none = score(repeated(means, fixed, 4, 0.01, 64).found, 1.0)
    assert naive.covered.value < 0.93 < none.covered.value
