"""The demonstration of verdicts: which samples a burst touched, and what its table says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.load import bursts
from benchmarks.taint import Estimate, is_inside, table, touched
from harness.stats.interval import Interval

pytestmark = pytest.mark.unit


def interval(value: float, half: float) -> Interval:
    return Interval(value, value - half, value + half, 9)


def test_samples_that_a_burst_overlaps() -> None:
    begin = np.array([0, 10, 21, 30, 39, 50])
    hit = touched(begin, begin + 5, [(12, 20), (41, 45)])
    assert hit.tolist() == [False, True, False, False, True, False]
    assert touched(begin, begin + 5, []).tolist() == [False] * 6
    assert touched(np.array([13]), np.array([14]), [(12, 20)]).tolist() == [True]  # within it


def test_bursts_of_a_file_that_was_cut(tmp_path: Path) -> None:
    file = tmp_path / "cpu.bursts"
    assert bursts(file) == []
    file.write_text("5 9\n12 20\n41")
    assert bursts(file) == [(5, 9), (12, 20)]


def test_the_table_tells_what_lies_outside() -> None:
    quiet = [Estimate("a", interval(1.1, 0.01)), Estimate("b", interval(1.2, 0.02))]
    judged = [Estimate("a", interval(1.105, 0.01)), Estimate("b", interval(1.19, 0.03))]
    every = [Estimate("a", interval(1.2, 0.05)), Estimate("b", None)]
    text = table(quiet, judged, every)
    assert "| a | 1.100 [1.090, 1.110] | 1.105 [1.095, 1.115] | 1.200 [1.150, 1.250] outside |" in text
    assert "| 1.190 [1.160, 1.220] | not judged outside |" in text
    assert "with verdicts 2 of 2 ratios lie within the quiet run's intervals; their own are 1.3 times" in text
    assert "without verdicts 0 of 2 ratios" in text


def test_without_an_interval_nothing_lies_inside() -> None:
    assert not is_inside(interval(1, 0.1), Interval(1.0, None, None, 3))
    assert not is_inside(None, interval(1, 0.1))
    assert is_inside(interval(1.05, 0.5), interval(1, 0.1))
