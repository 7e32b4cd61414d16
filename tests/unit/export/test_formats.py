"""Tables as text."""

from __future__ import annotations

import csv
import io

import pytest

from harness.export.formats import TABLES
from harness.results.table import Table

pytestmark = pytest.mark.unit

TABLE = Table("t", ("name", "n"), [{"name": 'a,"b"|<c>\nd', "n": "1.5"}, {"name": "e", "n": ""}], frozenset({"n"}))


def test_csv_gives_back_what_was_put_in() -> None:
    text = TABLES["csv"](TABLE)
    assert text.startswith("name,n\n") and "\r" not in text
    assert list(csv.DictReader(io.StringIO(text, newline=""))) == TABLE.rows


def test_markdown_shows_texts_as_they_are_and_numbers_to_the_right() -> None:
    assert TABLES["md"](TABLE).splitlines() == [
        "| name | n |",
        "|---|---:|",
        r'| a,"b"\|&lt;c&gt; d | 1.5 |',
        "| e |  |",
    ]


def test_every_format_takes_an_empty_table() -> None:
    assert all("name" in text(Table("t", ("name",), [])) for text in TABLES.values())
