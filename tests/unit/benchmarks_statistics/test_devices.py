"""Kinds of devices: what each does, and that it is done to both variants alike unless it says otherwise."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.statistics.devices import KINDS, LEVELS, Kind
from benchmarks.statistics.noise import Noise
from benchmarks.statistics.streams import Streams, draw

pytestmark = pytest.mark.unit

BY_NAME = {kind.name: kind for kind in KINDS}
ONE_SIDED = ("A preempted more", "A contended more")


def made(noise: Noise, kind: Kind, count: int = 50) -> tuple[Streams, Streams]:
    """Without and with what the device does."""
    plain = draw(noise, count, np.random.default_rng(2))
    return plain, kind.make(draw(noise, count, np.random.default_rng(2)), np.random.default_rng(3))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_same_dice_make_the_same_device(noise: Noise, kind: Kind) -> None:
    plain, one = made(noise, kind)
    _, two = made(noise, kind)
    assert np.array_equal(one.log_ns, two.log_ns)
    changes = not np.array_equal(one.log_ns, plain.log_ns) or one.tick_ns > plain.tick_ns
    assert changes == bool(kind.effects)
    assert np.array_equal(one.log_ns[0], one.log_ns[1]) == (kind.name not in ONE_SIDED)
    assert np.all(np.isfinite(one.log_ns)) and np.all((one.lost >= 0) & (one.lost < 1))


@pytest.mark.parametrize("name", ["ramps", "steps", "throttling"])
def test_a_sample_takes_as_much_longer_as_the_clock_is_lower(noise: Noise, name: str) -> None:
    plain, found = made(noise, BY_NAME[name])
    before, after = (found.evidence[f"mhz_{side}"] / plain.evidence[f"mhz_{side}"] for side in ("before", "after"))
    slower = np.exp(plain.log_ns - found.log_ns)  # the mean clock of the sample
    assert np.all(slower <= np.maximum(before, after) + 1e-9) and np.all(slower >= np.minimum(before, after) - 1e-9)
    cycles = found.evidence["gflops_before"] / found.evidence["mhz_before"]
    assert cycles == pytest.approx(plain.evidence["gflops_before"] / plain.evidence["mhz_before"])


def test_steps_are_those_of_a_governor(noise: Noise) -> None:
    plain, found = made(noise, BY_NAME["steps"])
    logs = np.log(found.evidence["mhz_before"] / plain.evidence["mhz_before"])
    assert np.abs(logs[..., np.newaxis] - LEVELS).min(axis=-1).max() < 1e-9
    changed = found.evidence["mhz_before"] != found.evidence["mhz_after"]
    assert 0.05 < changed.mean() < 0.125


def test_throttling_sets_in_later_and_warms(noise: Noise) -> None:
    _, found = made(noise, BY_NAME["throttling"])
    order = np.argsort(found.slots.ravel())
    rise = found.rise_c[0].reshape(50, -1)[:, order]
    clock = found.evidence["mhz_before"][0].reshape(50, -1)[:, order]
    starts = [*range(0, 320, 20)]  # of launches, and of those of the further attempt
    assert np.all(rise[:, starts] < 3) and np.all(clock[:, starts] == 2900)
    assert np.all(rise.max(axis=1) > 10) and np.all(clock.min(axis=1) < 2610)


def test_a_is_struck_more_often_and_as_the_evidence_tells(noise: Noise) -> None:
    plain, found = made(noise, BY_NAME["A preempted more"])
    struck = found.lost > 0
    assert struck[0].mean() == pytest.approx(0.30, abs=0.02) and struck[1].mean() == pytest.approx(0.05, abs=0.01)
    assert np.exp(plain.log_ns - found.log_ns) == pytest.approx(1 - found.lost)


def test_what_contention_takes_is_seen_about(noise: Noise) -> None:
    plain, found = made(noise, BY_NAME["A contended more"])
    taken = 1 - np.exp(plain.log_ns - found.log_ns)
    told = 1 - found.evidence["gflops_after"] / plain.evidence["gflops_after"]
    struck = taken > 1e-9
    assert np.all(told[struck] / taken[struck] > 0.69) and np.all(told[struck] / taken[struck] < 1.31)
    assert not told[~struck].any()
    assert struck[0].mean() > 4 * struck[1].mean()


def test_evidence_tells_of_half_of_the_heavy_tails(noise: Noise) -> None:
    plain, found = made(noise, BY_NAME["heavy tails"], 200)
    longer = np.exp(found.log_ns - plain.log_ns) - 1
    hit = longer > 1e-9
    assert hit.mean() == pytest.approx(0.1, abs=0.01)
    assert longer[hit].min() > 0.0099 and longer.max() <= 1.0000001
    assert (found.lost[hit] > 0).mean() == pytest.approx(0.5, abs=0.03)
