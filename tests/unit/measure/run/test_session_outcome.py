"""What a device's records make of the outcome of a run."""

from __future__ import annotations

from typing import Any

import pytest

from harness.exit_codes import ExitCode
from harness.measure.run.outcome import SessionOutcome
from harness.store import records
from tests.variants import fields

pytestmark = pytest.mark.unit


def error(layer: str, launch: int, name: str = "x", reason: str = "died") -> records.Error:
    values: dict[str, Any] = fields(name, face="best", build=name)
    return records.Error(type="error", seq=1, launch=launch, layer=layer, reason=reason, **values)


def wrong(layer: str, name: str = "x") -> records.Check:
    values: dict[str, Any] = fields(name, face="best", build=name)
    return records.Check(type="check", seq=1, launch=0, layer=layer, by="reference", outputs=1, ok=False, **values)


def test_a_worker_that_fails_everywhere_alike_is_one_message() -> None:
    outcome = SessionOutcome("local")
    for again in range(2):  # as they arrive, and once more from the records
        for launch in range(3):
            for layer in ("a", "b"):
                outcome.fault(error(layer, launch))
        outcome.fault(error("a", 0, reason="hung"))
        outcome.fault(error("a", 0, name="y"))
        assert outcome.messages == ["x on a, launch 1: died (and 5 more alike)", "x on a, launch 1: hung",
                                    "y on a, launch 1: died"], again  # fmt: skip
    assert outcome.codes == [ExitCode.INFRASTRUCTURE] * 3


def test_a_lying_worker_is_a_wrong_result() -> None:
    outcome = SessionOutcome("local")
    for layer in ("a", "b", "a"):
        outcome.fault(wrong(layer))
    assert outcome.messages == ["x on a: wrong result (and 1 more alike)"]
    assert outcome.codes == [ExitCode.WRONG_RESULT]
    assert not outcome.unfinished


def test_our_own_are_told_one_by_one() -> None:
    outcome = SessionOutcome("local")
    outcome.fault(error("a", 0, "indirect"))
    outcome.fault(error("b", 0, "indirect"))
    outcome.fault(wrong("a", "direct"))
    assert outcome.messages == ["indirect on a, launch 1: died", "indirect on b, launch 1: died",
                                "direct on a: wrong result, not timed"]  # fmt: skip
