"""The table of conditions, and which of them can be allowed."""

from __future__ import annotations

import re

import pytest

from harness.errors import UsageError
from harness.exit_codes import ExitCode
from harness.model.condition import KINDS, Condition, allowed

pytestmark = pytest.mark.unit


def test_a_name_is_told_once() -> None:
    assert allowed(["HOT", "CHARGING", "HOT"]) == ("HOT", "CHARGING")
    assert allowed([]) == ()
    assert allowed(["STARTING"]) == ("STARTING",)  # some phones never say that they have started


@pytest.mark.parametrize(
    ("name", "words"), [("WARM", "is no condition"), ("hot", "is no condition"), ("UNAUTHORIZED", "cannot be allowed")]
)
def test_what_cannot_be_allowed_is_told_with_what_there_is(name: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as refused:
        allowed(["HOT", name])
    assert refused.value.exit_code == ExitCode.USAGE
    assert "LOW_BATTERY, HOT" in refused.value.remedy
    assert "OFFLINE," not in refused.value.remedy.replace("CORES_OFFLINE,", "")


@pytest.mark.parametrize("name", list(KINDS))
def test_every_kind_says_why_and_what_to_do(name: str) -> None:
    kind = KINDS[name]
    assert re.fullmatch(r"[A-Z][A-Z0-9_]{0,39}", name)
    assert kind.why and kind.remedy
    assert not (kind.why + kind.remedy).endswith(".")
    assert not (kind.usual and kind.stops)


def test_emulated_and_charging_never_stop() -> None:
    assert not KINDS["EMULATED"].stops and not KINDS["CHARGING"].stops


def test_as_json() -> None:
    value = Condition("HOT", "it is hot", "cool it").as_json()
    assert (value["name"], value["what"], value["remedy"], value["stops"]) == ("HOT", "it is hot", "cool it", True)
    assert value["why"] == KINDS["HOT"].why
    assert Condition("HOT", "it is hot").as_json()["remedy"] == KINDS["HOT"].remedy
