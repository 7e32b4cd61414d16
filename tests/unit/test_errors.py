"""Exit codes: where several apply, 130, 2, 5, 1, 3, 4, in that order."""

from __future__ import annotations

from itertools import pairwise

import pytest

from harness.errors import HarnessError, UsageError
from harness.exit_codes import ExitCode, worst

pytestmark = pytest.mark.unit


def test_order() -> None:
    order = [ExitCode(n) for n in (130, 2, 5, 1, 3, 4, 0)]
    for stronger, weaker in pairwise(order):
        assert worst([weaker, stronger]) == stronger
    assert worst([]) == ExitCode.DONE


def test_message_and_remedy() -> None:
    assert str(UsageError("x.yaml:3: layers", "write a list")) == "x.yaml:3: layers\n  write a list"
    assert str(HarnessError("alone")) == "alone"
