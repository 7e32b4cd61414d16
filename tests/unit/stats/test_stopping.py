"""The stopping rule: what it asks for, and that intervals keep their coverage with it on."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from harness.stats.interval import from_launch_logs, half_width
from harness.stats.stopping import is_precise, launches_wanted, next_look

pytestmark = pytest.mark.unit

PRECISION = 0.01
MOST = 32
STREAMS = 2000
Noise = NDArray[np.float64]


def normal(rng: np.random.Generator) -> Noise:
    return rng.standard_normal((STREAMS, MOST))


def heavy_tailed(rng: np.random.Generator) -> Noise:
    return rng.standard_t(4, (STREAMS, MOST)) / math.sqrt(2)


def stopped(stream: Noise, first: int) -> int:
    """After how many launches it ends."""
    launches = first
    while (wanted := launches_wanted([stream[:launches].tolist()], launches, PRECISION, MOST)) > launches:
        launches = wanted
    return launches


@pytest.mark.parametrize("first", [4, 8])
@pytest.mark.parametrize("noise", [normal, heavy_tailed], ids=["normal", "heavy tails"])
@pytest.mark.parametrize("spread", [0.002, 0.004, 0.006, 0.008, 0.010, 0.014], ids="{:.1%}".format)
def test_intervals_cover_the_truth_as_often_as_they_say(noise: object, spread: float, first: int) -> None:
    """``spread``: of launches, from so little that the first look is the last to so much that the budget ends it."""
    assert callable(noise)
    streams = spread * noise(np.random.default_rng(20190704))
    covered = 0
    for stream in streams:
        seen = stream[: stopped(stream, first)].tolist()
        covered += abs(float(np.mean(seen))) <= half_width(seen)
    assert 0.93 <= covered / STREAMS <= 0.97


def test_to_stop_as_soon_as_the_interval_is_narrow_shortens_it() -> None:
    """What the rule is there for: streams that end at the first narrow interval."""
    covered = 0
    for stream in 0.01 * normal(np.random.default_rng(20190704)):
        launches = 4
        while launches < MOST and not (from_launch_logs(stream[:launches].tolist()).width or 0) <= PRECISION:
            launches += 1
        seen = stream[:launches].tolist()
        covered += abs(float(np.mean(seen))) <= half_width(seen)
    assert covered / STREAMS < 0.925


def test_it_ends_where_the_interval_is_narrow_and_was_foretold_to_be() -> None:
    quiet, loud = [0.0, 0.001, 0.001, 0.0], [0.0, 0.02, -0.02, 0.01]
    assert is_precise([*quiet, *quiet], PRECISION)
    assert not is_precise([*loud, *quiet], PRECISION)
    assert not is_precise([*quiet, *loud], PRECISION)
    assert not is_precise(quiet, PRECISION)  # half of them are too few for an interval
    assert not is_precise([], PRECISION)
    assert is_precise([0.5] * 8, PRECISION)


def test_looks_are_few() -> None:
    looks = [4]
    while looks[-1] < 100:
        looks.append(next_look(looks[-1]))
    assert looks == [4, 6, 9, 14, 21, 32, 48, 72, 108]
    assert next_look(1) == 2


@pytest.mark.parametrize(
    ("ratios", "launches", "most", "wanted"),
    [
        pytest.param([[0.0] * 8], 8, 32, 8, id="precise"),
        pytest.param([[0.0] * 8, [0.0, 0.1] * 4], 8, 32, 12, id="one of two is not"),
        pytest.param([[]], 8, 32, 12, id="nothing valid"),
        pytest.param([[0.0] * 4], 4, 32, 8, id="too few to tell"),
        pytest.param([[0.0, 0.1] * 4], 8, 10, 10, id="the budget allows two more"),
        pytest.param([[0.0, 0.1] * 4], 8, 8, 8, id="the budget is spent"),
        pytest.param([[0.0, 0.1] * 4], 8, 5, 8, id="more than the budget allowed"),
        pytest.param([], 8, 32, 8, id="no ratio that matters"),
    ],
)
def test_launches_wanted(ratios: list[list[float]], launches: int, most: int, wanted: int) -> None:
    assert launches_wanted(ratios, launches, PRECISION, most) == wanted
