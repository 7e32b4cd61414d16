"""What evidence may cost."""

from __future__ import annotations

import pytest

from harness.judge.cost import is_dear

pytestmark = pytest.mark.unit


def test_evidence_is_dear_from_a_fiftieth_of_the_time_on() -> None:
    assert not is_dear(0.0199) and is_dear(0.0201)
