"""Tests of a gate's record."""

from __future__ import annotations

from typing import Any

import pytest

from harness.judge import gate
from harness.store.records import Gate

pytestmark = pytest.mark.unit


def record(**fields: Any) -> Gate:
    return Gate.model_validate(
        {"type": "gate", "seq": 1, "launch": 0, "status": "passed", "tolerance_c": 1.0, **fields}
    )


def test_each_test_sees_its_evidence_alone() -> None:
    tests = (
        *(gate.gave_up, gate.is_unjudged, gate.is_blind, gate.is_hotter_than_ever, gate.is_settled_low),
        *(gate.is_by_clock_alone, gate.has_moved),
    )
    for fields, seen in (
        ({}, None),
        ({"status": "capped"}, gate.gave_up),
        ({"capped": True}, gate.gave_up),
        ({"status": "spent"}, gate.gave_up),
        ({"status": "settled"}, gate.is_settled_low),
        ({"clock": "probe"}, gate.is_by_clock_alone),
        ({"clock": "probe", "from": 31.0}, None),
        ({"clock": ""}, None),
        ({"plateau": 30.0, "learned": 37.0}, gate.has_moved),
        ({"plateau": 30.0, "learned": 37.0, "baseline": 30.0}, gate.has_moved),
        ({"plateau": 30.0}, None),
        ({"status": "unjudged"}, gate.is_unjudged),
        ({"status": "unjudged", "tolerance_c": None}, gate.is_unjudged),
        ({"status": "unavailable"}, gate.is_blind),
        ({"baseline": 30.0, "learned": 31.1}, gate.is_hotter_than_ever),
        ({"baseline": 30.0, "learned": 31.0}, None),
        ({"baseline": 30.0, "learned": 31.1, "status": "stopped"}, None),
        ({"learned": 31.1}, None),
        ({"status": "stopped"}, None),
    ):
        assert [test for test in tests if test(record(**fields))] == ([seen] if seen else [])


def test_a_source_that_failed_had_a_start() -> None:
    assert gate.never_had_a_source(record(status="unavailable"))
    assert not gate.never_had_a_source(record(**{"status": "unavailable", "from": 31.0}))


@pytest.mark.parametrize("status", ["passed", "settled", "capped", "spent", "unjudged", "unavailable", "stopped"])
def test_what_ended_a_wait(status: str) -> None:
    found = record(status=status)
    assert gate.is_of_a_cool_device(found) == (status in ("passed", "settled"))
    assert gate.ran_out_of_share(found) == (status == "spent")
    assert gate.reached_its_cap(found) == (status == "capped")
