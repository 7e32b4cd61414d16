"""Streams: drawn from recorded noise so that both variants are equal but for the true ratio."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.statistics.noise import Noise
from benchmarks.statistics.streams import WINDOW_NS, draw

pytestmark = pytest.mark.unit


def test_the_true_ratio_is_that_of_equal_slots(noise: Noise) -> None:
    streams = draw(noise, 5, np.random.default_rng(2))
    equal, larger = (streams.in_turns(truth, np.random.default_rng(3)) for truth in (1.0, 1.01))
    assert larger[1] / equal[1] == pytest.approx(1.01, abs=1e-6)
    assert np.array_equal(larger[0], equal[0])
    assert equal.shape == (2, 5, 8, 20)


def test_variants_in_turns_have_the_two_slots_of_a_round(noise: Noise) -> None:
    streams = draw(noise, 3, np.random.default_rng(2))
    windows = np.sort(streams.in_turns(1.0, np.random.default_rng(3)), axis=0)
    slots = np.sort(np.moveaxis(WINDOW_NS * np.exp(streams.log_ns[0]), -1, 0), axis=0)
    assert windows == pytest.approx(slots, rel=1e-6)


def test_in_sequence_a_has_the_first_half_of_the_planned_slots(noise: Noise) -> None:
    streams = draw(noise, 3, np.random.default_rng(2))
    a, b = streams.in_sequence(1.0, np.random.default_rng(3))
    inside = np.log(np.concatenate([a, b], axis=1) / WINDOW_NS)
    order = np.argsort(streams.slots[:, :10].ravel())
    assert inside == pytest.approx(streams.log_ns[0, :, :, :10].reshape(3, -1)[:, order], abs=1e-6)
    assert a.shape == b.shape == (3, 80)


def test_slots_are_numbered_in_time_and_further_rounds_come_last(noise: Noise) -> None:
    streams = draw(noise, 1, np.random.default_rng(2), launches=2, rounds=3, again=2)
    assert sorted(streams.slots.ravel().tolist()) == list(range(20))
    assert streams.slots[:, :3].ravel().tolist() == list(range(12)) and streams.planned == 12


def test_which_recorded_side_is_a_is_drawn(noise: Noise) -> None:
    """The recorded sides differ by 5 %: those of a stream do not, in the mean of many."""
    noise.log_ns[..., 0] += np.where(noise.one_first, 0.05, 0)
    noise.log_ns[..., 1] += np.where(noise.one_first, 0, 0.05)
    try:
        windows = draw(noise, 2000, np.random.default_rng(2)).in_turns(1.0, np.random.default_rng(3))
    finally:
        noise.log_ns[..., 0] -= np.where(noise.one_first, 0.05, 0)
        noise.log_ns[..., 1] -= np.where(noise.one_first, 0, 0.05)
    means = np.log(windows[1] / windows[0]).mean(axis=2)
    assert abs(means.mean()) < 4 * 0.05 / np.sqrt(means.size)
    assert means.std() == pytest.approx(0.05, rel=0.02)


def test_a_coarse_timer_tells_whole_ticks(noise: Noise) -> None:
    streams = draw(noise, 2, np.random.default_rng(2))
    streams.tick_ns = 12_000.0
    windows = streams.in_turns(1.0, np.random.default_rng(3))
    assert np.array_equal(windows % 12_000, np.zeros_like(windows))
    assert windows == pytest.approx(streams.sided(WINDOW_NS * np.exp(streams.log_ns)), abs=12_000)


def test_more_rounds_than_were_recorded_are_none(noise: Noise) -> None:
    with pytest.raises(ValueError, match="10 rounds were recorded, 11 are asked for"):
        draw(noise, 1, np.random.default_rng(2), rounds=11)


def test_more_launches_than_were_recorded_are_drawn_twice(noise: Noise) -> None:
    assert draw(noise, 2, np.random.default_rng(2), launches=32).log_ns.shape == (2, 2, 32, 20, 2)
