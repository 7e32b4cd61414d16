"""The simulation as a whole: the same again, what it counts, and the tables made of it."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.statistics import tables
from benchmarks.statistics.__main__ import _kinds, told
from benchmarks.statistics.devices import KINDS
from benchmarks.statistics.noise import Noise
from benchmarks.statistics.simulation import EQUAL, LARGER, OURS, UNJUDGED, KindScores, methods_on, simulate
from harness.errors import UsageError
from harness.model.policy import Policy

pytestmark = [pytest.mark.unit, pytest.mark.xdist_group("simulation")]  # what is found is found once

POLICY = Policy(name="p")


@pytest.fixture(scope="module")
def found(noise: Noise) -> list[KindScores]:
    """Of the first two kinds."""
    return simulate(noise, KINDS[:2], 200, POLICY, processes=1)


def test_on_quiet_noise_all_targets_are_met(found: list[KindScores]) -> None:
    score = found[0].methods[OURS]
    assert score[EQUAL].covered.total == score[LARGER].seen.total == 200
    assert score[EQUAL].covered.value > 0.9 and score[LARGER].seen.value > 0.9
    assert score[EQUAL].alarms.hits == 200 - score[EQUAL].covered.hits
    assert found[0].methods[UNJUDGED] == score  # nothing is tainted
    assert found[0].rules["none"].launches == POLICY.launches


def test_the_same_streams_are_made_whatever_else_is_simulated(noise: Noise) -> None:
    both = [methods_on(noise, 20, POLICY, KINDS[1], LARGER)[OURS].value for _ in range(2)]
    assert np.array_equal(both[0], both[1])
    assert not np.array_equal(both[0], methods_on(noise, 20, POLICY, KINDS[1], LARGER, batch=1)[OURS].value)


def test_tables_have_a_line_for_each_kind(found: list[KindScores]) -> None:
    text = "\n".join(tables.simulation(found))
    for kind in KINDS[:2]:
        assert text.count(f"| {kind.name} |") == 5 and f"| {kind.name}: {kind.says} |" in text


def test_what_is_told_names_the_noise(found: list[KindScores], noise: Noise) -> None:
    text = told(found, noise, 200, POLICY)[0]
    assert "200 streams of each kind and true ratio, policy `p` (8 launches of 10 rounds)" in text
    assert text.endswith("a sample is 1.0 % to 1.1 %, by stream.")


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
