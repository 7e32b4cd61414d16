"""Decisions: what is proven, what is shown to be no difference, and what is neither."""

from __future__ import annotations

import math

import pytest

from harness.exit_codes import ExitCode
from harness.judge.decision import DECISIONS, Decision, code_of, decide, is_disturbed

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("ratio", "p_holm", "p_same", "threshold", "decision"),
    [
        (1.03, 0.01, 1.0, None, "faster"),
        (0.97, 0.01, 1.0, None, "slower"),
        (0.999, 0.01, 1.0, None, "slower"),
        (0.90, 0.06, 1.0, None, "unproven"),
        (1.0, 1.0, 0.001, None, "unproven"),
        (0.97, 0.01, 0.9, 0.02, "slower"),
        (1.03, 0.01, 0.9, 0.02, "faster"),
        (0.99, 0.01, 0.04, 0.02, "same"),
        (1.0, 1.0, 0.04, 0.02, "same"),
        (0.99, 0.01, 0.06, 0.02, "unproven"),
        (0.97, 0.06, 0.9, 0.02, "unproven"),
    ],
    ids=[
        "faster", "slower", "a-little-slower", "no-proof", "same-needs-a-threshold", "slower-by-enough",
        "faster-by-enough", "proven-and-below", "equivalent", "proven-but-perhaps-too-much", "much-without-proof",
    ],
)  # fmt: skip
def test_each_case(ratio: float, p_holm: float, p_same: float, threshold: float | None, decision: Decision) -> None:
    assert decide(math.log(ratio), p_holm, p_same, threshold) == decision


@pytest.mark.parametrize(
    ("decisions", "threshold", "code"),
    [
        ((), None, ExitCode.DONE),
        (("faster", "same", "unproven"), None, ExitCode.DONE),
        (("faster", "same"), 0.02, ExitCode.DONE),
        (("same", "unproven"), 0.02, ExitCode.TOO_LITTLE_DATA),
        (("faster", "unjudged"), None, ExitCode.TOO_LITTLE_DATA),
        (DECISIONS, None, ExitCode.REGRESSION),
        (DECISIONS, 0.02, ExitCode.REGRESSION),
    ],
    ids=["nothing", "fine", "fine-by-threshold", "unproven", "unjudged", "slower", "slower-by-threshold"],
)
def test_exit_codes(decisions: tuple[Decision, ...], threshold: float | None, code: ExitCode) -> None:
    assert code_of(decisions, threshold) == code


@pytest.mark.parametrize(
    ("valid", "total", "disturbed"), [(0, 0, False), (10, 10, False), (5, 10, False), (4, 10, True), (0, 1, True)]
)
def test_a_level_needs_half_of_the_samples(valid: int, total: int, disturbed: bool) -> None:
    assert is_disturbed(valid, total) == disturbed
