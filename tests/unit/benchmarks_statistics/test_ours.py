"""The harness's own way on streams: by its own code, with what is tainted left out and measured again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.statistics.devices import KINDS
from benchmarks.statistics.noise import Noise
from benchmarks.statistics.ours import Sided, found_of, ours, tainted
from benchmarks.statistics.simulation import without_verdicts
from benchmarks.statistics.streams import draw
from harness.model.policy import Policy
from harness.stats.estimate import ratio
from harness.stats.location import hodges_lehmann

pytestmark = pytest.mark.unit

POLICY = Policy(name="p")
BY_NAME = {kind.name: kind for kind in KINDS}


def sided(noise: Noise, name: str = "recorded", count: int = 40, truth: float = 1.01) -> Sided:
    dice = np.random.default_rng(4)
    streams = BY_NAME[name].make(draw(noise, count, dice), dice)
    return Sided.of(streams, streams.in_turns(truth, dice))


def test_without_taint_it_is_the_ratio_of_what_launches_say(noise: Noise) -> None:
    streams = sided(noise)
    logs = np.log(streams.windows[1] / streams.windows[0])[:, :, :10]
    said = [[hodges_lehmann(pairs.tolist()) for pairs in launches] for launches in logs]
    expected = found_of([ratio(dict(enumerate(launches))) for launches in said])
    for policy in (POLICY, without_verdicts(POLICY)):
        found = ours(streams, policy)
        assert found.value == pytest.approx(expected.value) and found.low == pytest.approx(expected.low)
        assert np.array_equal(found.side, expected.side)


def test_as_many_further_rounds_are_measured_as_hold_a_tainted_sample(noise: Noise) -> None:
    streams = sided(noise, count=1)
    streams.lost[0, 0, 2, :3] = 0.5
    streams.lost[1, 0, 2, 2:4] = 0.5
    streams.lost[1, 0, 5, 11] = 0.5  # in a round that is not measured
    measured, masks = tainted(streams, 0, POLICY)
    assert np.count_nonzero(measured, axis=1).tolist() == [10, 10, 14, 10, 10, 10, 10, 10]
    assert measured[2, :14].all()
    assert np.argwhere(masks).tolist() == [[0, 2, 0], [0, 2, 1], [0, 2, 2], [1, 2, 2], [1, 2, 3]]
    measured, masks = tainted(streams, 0, without_verdicts(POLICY))
    assert np.count_nonzero(measured) == 80 and not masks.any()


def test_a_tainted_sample_s_time_is_in_no_estimate(noise: Noise) -> None:
    streams = sided(noise, count=1)
    streams.lost[0, 0, 2, 1] = 0.5
    longer = replace(streams, windows=streams.windows.copy())
    longer.windows[0, 0, 2, 1] *= 3
    assert ours(longer, POLICY).value == ours(streams, POLICY).value
    off = without_verdicts(POLICY)
    assert ours(longer, off).value[0] < ours(streams, off).value[0]


def test_where_nearly_all_is_tainted_nothing_is_said(noise: Noise) -> None:
    streams = sided(noise, count=1)
    streams.lost[0, 0] = 0.5
    streams.lost[0, 0, 0, :3] = 0.0
    assert np.isnan(ours(streams, POLICY).value).all()


def test_taint_that_hits_one_side_more_prefers_none(noise: Noise) -> None:
    """With verdicts the ratio is near the true one; without it is far off, and its intervals are wrong."""
    streams = sided(noise, "A preempted more", 200)
    judged, every = ours(streams, POLICY), ours(streams, without_verdicts(POLICY))
    assert abs(np.log(judged.value / 1.01).mean()) < 0.001
    assert abs(np.log(every.value / 1.01).mean()) > 0.004
    covered = [np.mean((found.low <= 1.01) & (found.high >= 1.01)) for found in (judged, every)]
    assert covered[0] > 0.85 and covered[1] < 0.8
