"""The simulation as a whole: the same again, what it counts, and the tables made of it."""

from __future__ import annotations

import pytest

from benchmarks.statistics import tables
from benchmarks.statistics.__main__ import _kinds
from benchmarks.statistics.devices import KINDS
from benchmarks.statistics.noise import Noise
from benchmarks.statistics.simulation import EQUAL, LARGER, OURS, UNJUDGED, simulate
from harness.errors import UsageError
from harness.model.policy import Policy

pytestmark = pytest.mark.unit

POLICY = Policy(name="p")


def test_on_quiet_noise_all_targets_are_met_and_it_repeats(noise: Noise) -> None:
    (found,) = simulate(noise, KINDS[:1], 200, POLICY, processes=1)
    score = found.methods[OURS]
    assert score[EQUAL].covered.total == score[LARGER].seen.total == 200
    assert score[EQUAL].covered.value > 0.9 and score[LARGER].seen.value > 0.9
    assert score[EQUAL].alarms.hits == 200 - score[EQUAL].covered.hits
    assert found.methods[UNJUDGED] == score  # nothing is tainted
    assert found.rules["none"].launches == POLICY.launches
    (again,) = simulate(noise, KINDS[:1], 200, POLICY, processes=1)
    assert again.methods[OURS] == score and again.rules == found.rules


def test_tables_have_a_line_for_each_kind(noise: Noise) -> None:
    text = "\n".join(tables.simulation(simulate(noise, KINDS[1:3], 100, POLICY, processes=1)))
    for kind in KINDS[1:3]:
        assert text.count(f"| {kind.name} |") == 5 and f"| {kind.name}: {kind.says} |" in text


def test_kinds_are_chosen_by_name() -> None:
    assert _kinds("") == list(KINDS)
    assert [kind.name for kind in _kinds("drift,steps")] == ["drift", "steps"]
    with pytest.raises(UsageError, match="no kind 'snow'"):
        _kinds("drift,snow")


def test_a_part_of_a_page_is_replaced() -> None:
    page = "a\n<!-- real -->\nold\n<!-- /real -->\nb\n"
    assert tables.replaced(page, "real", ["new"]) == "a\n<!-- real -->\n\nnew\n\n<!-- /real -->\nb\n"
    assert tables.replaced(tables.replaced(page, "real", ["x"]), "real", ["new"]) == tables.replaced(
        page, "real", ["new"]
    )
    for broken in ("a\n", "a\n<!-- real -->\n", "a\n<!-- /real -->\n<!-- real -->\n"):
        with pytest.raises(ValueError, match="no lines"):
            tables.replaced(broken, "real", [])
