"""Each kind of weakness has a remedy, and each remedy a kind that is found somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import harness.report
from harness.report.remedies import REMEDIES

pytestmark = pytest.mark.unit


def test_every_kind_that_the_checks_name_has_one() -> None:
    folder = Path(harness.report.__file__).parent
    text = "".join((folder / f"{name}.py").read_text() for name in ("weaknesses", "record_checks", "row_checks"))
    words = set(re.findall(r'"([a-z]+)"', text))
    yielded = set(re.findall(r'yield \(?\s*"([a-z]+)"', text))
    assert yielded and yielded <= set(REMEDIES)
    assert set(REMEDIES) <= words


def test_remedies_are_short_and_start_small() -> None:
    for text in REMEDIES.values():
        assert len(text) < 120 and not text.endswith(".")
