"""Calibrations: what they are read from, and when they are stale."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from harness.model.calibration import STALE_AFTER_DAYS, Calibration, Place, as_json, digest, parsed
from harness.model.policy import Policy
from harness.model.sustained import Sustained

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
POLICY = Policy(name="quick")


def made(**changes: Any) -> Calibration:
    place = {"cluster": "4-7", "cache": "hot", "verdict": "passed", "pairs": 12, "floor": 0.006, "visible": 0.011}
    told = {
        **{"policy": "quick", "policy_digest": digest(POLICY), "utc": NOW, "build_id": "0123456789ab"},
        **{"system": "maker/p/p:12/X/1", "suite": "calibrate-quick", "places": (Place.model_validate(place),)},
    }
    return Calibration.model_validate({**told, **changes})


def test_it_comes_back_from_json() -> None:
    found = made()
    assert parsed(json.loads(json.dumps(as_json(found)))) == found
    place = found.of("4-7", "hot")
    assert place is not None and place.floor == 0.006
    assert found.of("4-7", "rotate") is found.of("0-3", "hot") is None


def test_a_floor_is_of_its_place_and_of_one_thread() -> None:
    found = made()
    assert found.floor("4-7", "hot", 1) == 0.006
    assert found.floor("4-7", "hot", 2) is found.floor("4-7", "rotate", 1) is found.floor("0-3", "hot", 1) is None


@pytest.mark.parametrize(
    "change",
    [
        {"utc": "yesterday"},
        {"utc": "2026-11-29T12:00:00"},
        {"places": 7},
        {"places": [{"cluster": "4-7"}]},
        {"places": [{"cluster": "4-7", "cache": "hot", "verdict": "good", "pairs": 1}]},
        {"places": [{"cluster": "4-7", "cache": "hot", "verdict": "passed", "pairs": 1, "floor": float("nan")}]},
        {"places": [{"cluster": "4-7", "cache": "hot", "verdict": "passed", "pairs": 1, "visible": -1}]},
        {"policy": None},
        {"suite": "x" * 1000},
    ],
    ids=["no time", "no zone", "no places", "half a place", "verdict", "NaN", "below 0", "no policy", "long"],
)
def test_what_is_none(change: dict[str, Any]) -> None:
    assert parsed({**as_json(made()), **change}) is None


@pytest.mark.parametrize("value", [None, [], "x", 1, {}, {"places": {}}])
def test_other_json_is_none(value: object) -> None:
    assert parsed(value) is None


def stale(found: Calibration, now: datetime = NOW, **changes: Any) -> list[str]:
    known = {"policy": POLICY, "build_id": "0123456789ab", "system": "maker/p/p:12/X/1", **changes}
    return found.stale(now, known["policy"], known["build_id"], known["system"])


def test_a_new_one_of_the_same_program_and_system_is_relied_on() -> None:
    assert stale(made()) == []
    assert stale(made(), NOW + timedelta(days=STALE_AFTER_DAYS)) == []
    named_otherwise = POLICY.model_copy(update={"name": "mine"})
    assert stale(made(), policy=named_otherwise) == []


@pytest.mark.parametrize(
    "changes", [{"cache": ("hot",)}, {"sustained": Sustained(seconds=900)}], ids=["cache", "sustained"]
)
def test_what_a_policy_says_of_other_measurements_makes_none_stale(changes: dict[str, Any]) -> None:
    assert stale(made(), policy=POLICY.model_copy(update=changes)) == []


@pytest.mark.parametrize(
    ("now", "changes", "why"),
    [
        (NOW + timedelta(days=STALE_AFTER_DAYS, seconds=1), {}, f"it is {STALE_AFTER_DAYS} days old"),
        (NOW - timedelta(days=1), {}, "it is of the future: a clock was wrong"),
        (NOW, {"build_id": "ba9876543210"}, "convbench is another build since"),
        (NOW, {"system": "maker/p/p:13/Y/2"}, "the device's system is another one since"),
        (NOW, {"policy": POLICY.model_copy(update={"rounds": 3})}, "the policy says something else since"),
    ],
    ids=["age", "future", "build", "system", "policy"],
)
def test_one_that_is_stale_says_why(now: datetime, changes: dict[str, Any], why: str) -> None:
    assert stale(made(), now, **changes) == [why]
