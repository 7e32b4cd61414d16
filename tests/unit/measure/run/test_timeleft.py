"""An estimate that never rises, begins with the plan, and goes by the pace of what was done."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.measure.run.timeleft import TimeLeft

pytestmark = pytest.mark.unit


def begun(jobs: float = 10, seconds: float = 100, now: float = 0) -> TimeLeft:
    left = TimeLeft()
    left.expect({"0-3": jobs}, seconds)
    left.begin(now)
    return left


def shown(left: TimeLeft, now: float) -> float:
    found = left.seconds(now)
    assert found is not None
    return found


def test_nothing_is_known_before_anything_is_measured() -> None:
    left = TimeLeft()
    assert left.seconds(0) is None
    left.expect({"0-3": 4}, 40)
    assert left.seconds(5) is None


def test_at_first_it_is_the_plan_and_it_runs_down_within_a_job() -> None:
    left = begun()
    assert shown(left, 0) == pytest.approx(100)
    assert shown(left, 4) == pytest.approx(96)
    assert shown(left, 500) == pytest.approx(90)  # a job that takes long takes nothing from the others


def test_the_pace_of_what_was_done_takes_over() -> None:
    left = begun(jobs=100, seconds=1000)
    for number in range(1, 91):
        left.job_done("0-3", number * 5.0)
    assert shown(left, 450) == pytest.approx(10 * 5, rel=0.05)


def test_slower_than_planned_it_stands_still_until_it_is_true_again() -> None:
    left = begun(jobs=4, seconds=4)
    seen = [shown(left, 0)]
    for number in range(1, 4):
        left.job_done("0-3", number * 60.0)
        seen.append(shown(left, number * 60.0))
    assert seen == sorted(seen, reverse=True) and seen[-1] > 0
    left.job_done("0-3", 240)
    assert shown(left, 240) == 0


def test_a_cluster_that_needs_less_than_it_might_have_is_dropped() -> None:
    left = TimeLeft()
    left.expect({"0-3": 40, "4-7": 10}, 500)
    left.begin(0)
    left.job_done("0-3", 10)
    assert shown(left, 10) == pytest.approx(490)
    left.cluster_done("0-3")
    assert shown(left, 10) == pytest.approx(100)
    left.cluster_done("4-7")
    assert shown(left, 10) == 0


def test_the_time_that_a_phone_is_away_is_not_the_jobs() -> None:
    left = begun()
    left.job_done("0-3", 10)
    left.pause(12)
    assert left.seconds(50) is None
    left.begin(112)
    left.job_done("0-3", 120)
    assert shown(left, 120) == pytest.approx(80)


steps = st.lists(st.tuples(st.sampled_from(["job", "wait", "away", "cluster"]), st.floats(0, 300)), max_size=40)


@given(steps, st.floats(0, 1000), st.floats(0, 50))
def test_it_never_rises_whatever_happens(what: list[tuple[str, float]], seconds: float, jobs: float) -> None:
    left, now, last = begun(jobs, seconds), 0.0, float("inf")
    for kind, took in what:
        now += took
        if kind == "job":
            left.job_done("0-3", now)
        elif kind == "away":
            left.pause(now)
            now += took
            left.begin(now)
        elif kind == "cluster":
            left.cluster_done("0-3")
        found = left.seconds(now)
        if found is not None:
            assert 0 <= found <= last
            last = found
