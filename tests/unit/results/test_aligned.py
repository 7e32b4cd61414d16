"""Tables that a terminal shows and that can be pasted."""

from __future__ import annotations

import pytest

from harness.results.aligned import aligned
from harness.results.table import Table

pytestmark = pytest.mark.unit


def test_columns_are_in_line_and_no_text_ends_a_cell() -> None:
    rows = [{"name": "a|b", "ns": "7"}, {"name": "two\nlines", "ns": "1234"}]
    text = list(aligned(Table("times", ("name", "ns"), rows, frozenset({"ns"}))))
    assert text == [
        "| name      |   ns |",
        "| --------- | ---: |",
        "| a\\|b      |    7 |",
        "| two lines | 1234 |",
    ]


def test_without_rows_there_is_nothing() -> None:
    assert not list(aligned(Table("times", ("name",), [])))
