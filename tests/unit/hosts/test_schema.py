"""What hosts and front ends say to each other is read back as it was, or refused with one message."""

from __future__ import annotations

import json

import pytest

from harness.errors import InfrastructureError
from harness.exit_codes import ExitCode
from harness.hosts.schema import Answer, Offer, read
from harness.measure.run.outcome import SessionOutcome
from harness.model.condition import Condition

pytestmark = pytest.mark.unit


def test_an_outcome_is_the_same_at_the_front_end() -> None:
    there = SessionOutcome("pixel-3", samples=7)
    there.fail(ExitCode.INFRASTRUCTURE, "a message")
    there.conditions.append(Condition("LOW_BATTERY", "it is at 5 %"))
    here = SessionOutcome.of_told("pixel-3", json.loads(json.dumps(there.told())))
    assert here.told() == there.told()


@pytest.mark.parametrize("text", [None, b"\x80", "{}", '{"outcome": {}, "stopped": 1, "folder": "", "code": "x"}'])
def test_anything_else_is_refused(text: object) -> None:
    with pytest.raises(InfrastructureError, match="it: no Answer of this harness"):
        read(Answer, text, "it")


def test_an_offer_of_nothing() -> None:
    offer = Offer(name="bench", harness="0", phones=[], unusable=[])
    assert read(Offer, offer.model_dump_json(), "it") == offer
