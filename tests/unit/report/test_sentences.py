"""The words of the answer follow the size of the difference, not only its sign."""

from __future__ import annotations

import pytest

from harness.report.categories import CategoryRow
from harness.report.sentences import clause_of
from harness.report.weaknesses import Weakness
from harness.stats.interval import Interval

pytestmark = pytest.mark.unit


def row(algorithm: str, other: str, category: str, value: float, low: float, high: float) -> CategoryRow:
    return CategoryRow("d", "0", "hot", category, algorithm, other, "published", Interval(value, low, high, 6), 3)


@pytest.mark.parametrize(
    ("category", "value", "low", "high", "words"),
    [
        ("1x1s1", 1.05, 1.04, 1.06, "direct wins on 1x1 stride 1 by 1.05x [1.04, 1.06] over indirect"),
        ("1x1s1", 1.007, 1.002, 1.013, "(faster by less than 2%; 3 layers)"),
        ("larger", 1.31, 1.28, 1.34, "of indirect's speed on larger kernels (faster; 3 layers)"),
        ("larger", 1.01, 0.99, 1.03, "(no clear difference; 3 layers)"),
    ],
)
def test_a_small_difference_is_nobodys_win(category: str, value: float, low: float, high: float, words: str) -> None:
    there = row("direct", "indirect", category, value, low, high)
    back = row("indirect", "direct", category, 1 / value, 1 / high, 1 / low)
    assert words in clause_of(there, back).text
    if "wins" in words:
        assert words in clause_of(back, there).text


def test_what_may_change_the_answer_stands_beside_it() -> None:
    assert Weakness("Pixel 3, CPUs 4-7", "disturbed", "...").is_heavy
    assert not Weakness("Pixel 3, CPUs 4-7", "switches", "...").is_heavy
