"""Tables as text."""

from __future__ import annotations

import csv
import io
import sys

import pytest

from harness.errors import UsageError
from harness.export.formats import TABLES, comparison_formats_of, formats_of
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


def test_a_package_that_a_format_needs_is_missed_before_anything_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(UsageError, match="the format parquet needs the package duckdb"):
        formats_of(["csv", "parquet"], "--export")
    with pytest.raises(UsageError, match="holds a run, not a comparison"):
        comparison_formats_of(["parquet"], "--export")
    assert [each.name for each in formats_of(["csv", "csv"], "--export")] == ["csv"]
