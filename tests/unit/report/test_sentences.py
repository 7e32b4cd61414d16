"""The words of the answer follow the size of the difference, not only its sign."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.report.clauses import answering_caches, clause_of, preferred_cache, with_best
from harness.report.weaknesses import Weakness
from harness.results.categories import CategoryRow
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


@pytest.mark.parametrize(
    ("interval", "layers", "words", "winner"),
    [
        (Interval(1.12, 1.11, 1.14, 6), 3, "; each at its best, 1.12x [1.11, 1.14] (faster)", "indirect"),
        (Interval(0.93, 0.9, 0.96, 6), 3, "; each at its best, 0.93x [0.90, 0.96] (slower)", "im2col"),
        (Interval(1.01, 0.97, 1.05, 6), 3, "; each at its best, 1.01x [0.97, 1.05] (no clear difference)", ""),
        (Interval(1.011, 1.005, 1.02, 6), 3, "1.011x [1.005, 1.020] (faster by less than 2%)", "indirect"),
        (Interval(0.985, 0.98, 0.99, 6), 3, "0.98x [0.98, 0.99] (slower by less than 2%)", "im2col"),
        (Interval(1.12, None, None, 3), 3, "; each at its best, 1.12x (no interval: 3 of 4 launches needed)", ""),
        (Interval(1.12, 1.11, 1.14, 6), 2, "; each at its best, 1.12x [1.11, 1.14] (faster; 2 layers)", "indirect"),
    ],
)
def test_each_at_its_best_has_words_of_its_own(interval: Interval, layers: int, words: str, winner: str) -> None:
    clause = clause_of(row("indirect", "im2col", "larger", 1.31, 1.28, 1.34), None)
    both = with_best(clause, CategoryRow("d", "0", "hot", "larger", "indirect", "im2col", "best", interval, layers))
    assert both.text.startswith(
        "as published, indirect is 1.31x [1.28, 1.34] of im2col's speed on larger kernels (faster;"
    )
    assert both.text.endswith(words)
    assert both.best is not None and both.best.winner == winner
    assert (both.verdict, both.winner) == ("faster", "indirect")
    assert with_best(clause, None) == clause


def test_each_category_is_answered_from_rotate_where_it_has_a_number_there() -> None:
    """Calls of small layers may be too short for rotate, which then has grouped ones alone; those are in no answer."""
    hot = row("indirect", "im2col", "larger", 1.31, 1.28, 1.34)
    point = row("direct", "indirect", "1x1s1", 1.05, 1.04, 1.06)
    grouped = replace(row("indirect", "im2col", "grouped", 2.0, 1.9, 2.1), cache="rotate")
    assert answering_caches([grouped, hot]) == {"larger": "hot"}
    assert answering_caches([point, hot, replace(hot, cache="rotate")]) == {"larger": "rotate", "1x1s1": "hot"}
    assert answering_caches([grouped, replace(hot, cache="rotate", face="best")]) == {}


def test_of_two_cache_modes_rotate_is_preferred() -> None:
    assert preferred_cache(["hot", "rotate", "hot"]) == "rotate"
    assert preferred_cache(["hot"]) == "hot"
    assert preferred_cache([]) == ""


def test_a_clause_of_another_cache_mode_says_so() -> None:
    larger = row("indirect", "im2col", "larger", 1.31, 1.28, 1.34)
    assert clause_of(larger, None, apart=True).text.endswith("on larger kernels (faster; 3 layers; in hot)")
    there, back = (row("direct", "indirect", "1x1s1", 1.3, 1.2, 1.4), row("indirect", "direct", "1x1s1", 0.7, 0.6, 0.8))
    assert clause_of(there, back, apart=True).text.endswith("over indirect (3 layers; in hot)")


def test_what_may_change_the_answer_stands_beside_it() -> None:
    assert Weakness("Pixel 3, CPUs 4-7", "disturbed", "...").is_heavy
    assert Weakness("Pixel 3, CPUs 4-7", "baseline", "...").is_heavy
    assert not Weakness("Pixel 3, CPUs 4-7", "switches", "...").is_heavy


def test_a_weakness_of_an_emulated_device_is_marked() -> None:
    assert str(Weakness("Pixel 3, CPUs 4-7", "clock", "it moved", mark="EMULATED")) == (
        "[EMULATED] Pixel 3, CPUs 4-7: it moved"
    )
    assert str(Weakness("Pixel 3", "clock", "it moved")) == "Pixel 3: it moved"
