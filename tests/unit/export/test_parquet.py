"""Parquet, read by DuckDB as anybody reads it."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import duckdb
import pytest

from harness.errors import UsageError
from harness.export import csv as csv_export
from harness.export import parquet
from harness.export.subject import of_run
from harness.results.columns import RESULT_COLUMNS, RESULT_FLAGS, RESULT_INTEGERS, RESULT_NUMBERS
from harness.results.results import Results

pytestmark = pytest.mark.unit


def read(path: Path) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """Types by column, and rows."""
    with duckdb.connect() as connection:
        found = connection.execute("SELECT * FROM read_parquet($1)", [[str(path)]])
        names = [(each[0], str(each[1])) for each in found.description or ()]
        return dict(names), [dict(zip(dict(names), row, strict=True)) for row in found.fetchall()]


def test_it_is_results_csv_with_types(results: Results, tmp_path: Path) -> None:
    subject = of_run(results)
    path = tmp_path / "x.parquet"
    path.write_bytes(b"".join(parquet.parts(subject)))
    types, rows = read(path)
    assert tuple(types) == RESULT_COLUMNS
    expected = {
        name: "BIGINT" if name in RESULT_INTEGERS else "DOUBLE" if name in RESULT_NUMBERS
        else "BOOLEAN" if name in RESULT_FLAGS else "VARCHAR"
        for name in RESULT_COLUMNS
    }  # fmt: skip
    assert types == expected
    texts = list(csv.DictReader(io.StringIO(csv_export.text(subject.table))))
    assert len(rows) == len(texts) > 8
    for row, text in zip(rows, texts, strict=True):
        for name, value in row.items():
            known = None if text[name] == "" else text[name]
            if known is not None and name in RESULT_FLAGS:
                assert value is (known == "1")
            elif known is not None and types[name] != "VARCHAR":
                assert value == float(known)
            else:
                assert value == known
    assert {row["status"] for row in rows} >= {"ok", "skip", "error", "wrong", "unjudged", "missing"}


def test_the_same_run_gives_the_same_bytes(results: Results) -> None:
    subject = of_run(results)
    assert b"".join(parquet.parts(subject)) == b"".join(parquet.parts(subject))


def test_without_the_package_one_message_names_the_command(results: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "duckdb", None)
    with pytest.raises(UsageError) as error:
        list(parquet.parts(of_run(results)))
    assert error.value.message == "the format parquet needs the package duckdb, which is not installed"
    assert error.value.remedy.endswith(" -m pip install 'duckdb>=2' 'ruptures>=1.1.10'")
