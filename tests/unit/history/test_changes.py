"""Changes of series with a known truth: what is found, where, how large, and how early."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest

from benchmarks.history import truth
from harness.errors import UsageError
from harness.history.changes import Change, Found, chance_of_each, find, noise_of

pytestmark = pytest.mark.unit

SD = 0.005
CHANCE = chance_of_each(60 * 100)


def series(shares: list[float], seed: int = 1, sd: float = SD) -> list[float]:
    """Logarithms of times with noise."""
    return list(np.log(shares) + np.random.default_rng(seed).normal(0, sd, len(shares)))


def found(logs: list[float], sd: float | None = SD) -> Found:
    return find(logs, [sd] * len(logs), CHANCE)


def near(change: Change, kind: str, first: int, ratio: float, within: int = 2) -> bool:
    return change.kind == kind and abs(change.first - first) <= within and change.low < ratio < change.high


def test_two_steps_and_a_drift_in_sixty_nights() -> None:
    changes = found(series(truth(60))).changes
    assert len(changes) == 3
    assert near(changes[0], "step", 15, 1.03)
    assert near(changes[1], "step", 30, 0.98)
    assert near(changes[2], "drift", 42, 1.04, within=5) and 52 <= changes[2].last <= 59


def test_a_step_is_told_within_a_few_nights_and_not_before() -> None:
    logs = series([1.0] * 20 + [1.03] * 10)
    assert not any(found(logs[:nights]).changes for nights in range(1, 21))
    told = next(nights for nights in range(21, 31) if found(logs[:nights]).changes)
    assert 22 <= told <= 25


def test_noise_alone_shows_nothing() -> None:
    """At most one of 200 series of 60 nights: the chance is 5 % over all of them together."""
    chance = chance_of_each(200 * 60)
    assert sum(bool(find(series([1.0] * 60, seed), [SD] * 60, chance).changes) for seed in range(200)) <= 1


def test_noise_between_runs_counts_where_intervals_are_narrower() -> None:
    """Intervals of a tenth of what nights differ by: no staircase of alarms."""
    narrow = [SD / 10] * 60
    assert sum(bool(find(series([1.0] * 60, seed), narrow, CHANCE).changes) for seed in range(40)) <= 1
    logs = np.asarray(series([1.0] * 60))
    assert noise_of(logs, narrow) == pytest.approx(SD, rel=0.35)
    assert noise_of(logs, [3 * SD] * 60) == pytest.approx(3 * SD)
    assert noise_of(logs, [None] * 60) == pytest.approx(SD, rel=0.35)


def test_a_disturbed_night_is_left_out_and_is_no_change() -> None:
    shares = [1.0] * 30
    shares[12], shares[20] = 1.2, 0.9
    seen = found(series(shares))
    assert seen.changes == () and seen.odd == (12, 20)


def test_places_are_those_of_all_points_though_some_are_left_out() -> None:
    shares = [1.0] * 15 + [1.05] * 15
    shares[3], shares[8] = 1.3, 1.3
    seen = found(series(shares))
    assert [(each.kind, each.first) for each in seen.changes] == [("step", 15)]
    assert (seen.levels[0].first, seen.levels[-1].last) == (0, 29)


def test_the_size_is_that_of_times_and_its_sign_is_told() -> None:
    (slower,) = found(series([1.0] * 15 + [1.05] * 15)).changes
    (faster,) = found(series([1.05] * 15 + [1.0] * 15)).changes
    assert slower.is_slower and slower.low < 1.05 < slower.high
    assert not faster.is_slower and faster.low < 1 / 1.05 < faster.high
    assert slower.high - slower.low == pytest.approx(2 * 1.96 * SD * math.sqrt(2 / 15), rel=0.5)


@pytest.mark.parametrize("seed", range(8))
def test_a_step_is_no_drift(seed: int) -> None:
    assert [each.kind for each in found(series([1.0] * 30 + [1.03] * 30, seed)).changes] == ["step"]


@pytest.mark.parametrize("seed", range(8))
def test_a_drift_over_all_nights_is_one_change_and_no_staircase(seed: int) -> None:
    (change,) = found(series([1 + 0.001 * night for night in range(60)], seed, sd=0.003), 0.003).changes
    assert change.kind == "drift" and change.first <= 8 and change.last >= 51
    assert change.ratio == pytest.approx(1.058, abs=0.008)


@pytest.mark.parametrize("count", range(6))
def test_a_short_series_has_no_change(count: int) -> None:
    assert found([0.1 * n for n in range(count)]).changes == ()


def test_copies_of_one_run_have_no_noise_and_no_change() -> None:
    assert find([1.0] * 20, [0.0] * 20, CHANCE).changes == ()
    assert find([1.0] * 20, [None] * 20, CHANCE).noise > 0


def test_without_the_package_one_message_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ruptures", None)
    with pytest.raises(UsageError, match="harness history needs the package ruptures, which is not installed"):
        found(series([1.0] * 10))
