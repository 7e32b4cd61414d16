"""Tests of samples' evidence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from harness.judge import sample
from harness.judge.sample import Evidence

pytestmark = pytest.mark.unit

QUIET = Evidence(
    settle_capped=np.array([False, False]),
    cpu_before=np.array([4, 4]),
    cpu_after=np.array([4, 4]),
    repinned=np.array([0, 0]),
    window_short=np.array([False, False]),
    nivcsw=np.array([0, 0]),
    faults=np.array([0, 0]),
    mhz_before=np.array([2000.0, 2000.0]),
    mhz_after=np.array([2000.0, 2000.0]),
    **{
        name: np.full(2, np.nan)
        for name in ("window_ns", "cpu_ns", "span_ns", "gflops_before", "gflops_after", "gbps_before", "gbps_after")
    },
)
TESTS: dict[str, tuple[Callable[[Evidence], sample.Flags], object]] = {
    "settle_capped": (sample.settling_capped, True),
    "cpu_after": (sample.cpu_changed, 5),
    "repinned": (sample.repinned, 1),
    "window_short": (sample.window_short, True),
    "nivcsw": (sample.switched, 3),
    "faults": (sample.faulted, 1),
    "mhz_after": (partial(sample.clock_moved, most=0.05), 1890.0),
}


@pytest.mark.parametrize("field", TESTS)
def test_each_test_sees_its_evidence_alone(field: str) -> None:
    column = getattr(QUIET, field).copy()
    column[1] = TESTS[field][1]
    disturbed = replace(QUIET, **{field: column})
    for name, (test, _) in TESTS.items():
        assert test(QUIET).tolist() == [False, False]
        assert test(disturbed).tolist() == [False, name == field]


@pytest.mark.parametrize("unknown", [np.nan, 0.0])
def test_an_unknown_clock_has_not_moved(unknown: float) -> None:
    evidence = replace(QUIET, mhz_before=np.array([2000.0, unknown]), mhz_after=np.array([1910.0, 2000.0]))
    assert sample.clock_known(evidence).tolist() == [True, False]
    assert sample.clock_moved(evidence, 0.05).tolist() == [False, False]
    assert sample.clock_moved(evidence, 0.04).tolist() == [True, False]


@pytest.mark.parametrize(("before", "after"), [(-1, 4), (4, -1), (-1, -1)])
def test_an_unknown_cpu_has_not_changed(before: int, after: int) -> None:
    evidence = replace(QUIET, cpu_before=np.array([4, before]), cpu_after=np.array([5, after]))
    assert sample.cpu_changed(evidence).tolist() == [True, False]


def test_no_samples_are_no_trouble() -> None:
    empty = Evidence(*[np.array([])] * 16)
    assert all(test(empty).tolist() == [] for test, _ in TESTS.values())


def test_thresholds() -> None:
    assert sample.is_many(25, 100) and not sample.is_many(24, 100)
    assert sample.clock_wandered(1790, 2000) and not sample.clock_wandered(1810, 2000)
