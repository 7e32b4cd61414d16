"""Parquet: results.csv with types. What is empty there is null here."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.export.subject import Subject
from harness.results.columns import RESULT_FLAGS, RESULT_INTEGERS, RESULT_NUMBERS
from harness.store import parquet

_WHAT = "the format parquet"


def parts(subject: Subject) -> Iterator[bytes]:
    """The file. Raises UsageError without DuckDB, InfrastructureError."""
    with tempfile.TemporaryDirectory(prefix="harness-parquet-") as folder:
        file = Path(folder) / "results.parquet"
        parquet.write(file, typed(subject.table.columns, list(subject.table.rows)), _WHAT)
        yield file.read_bytes()


def typed(columns: Sequence[str], rows: Sequence[Mapping[str, str]]) -> dict[str, tuple[str, list[Any]]]:
    """Columns of results.csv with their types and values."""
    return {name: _column(name, [row[name] for row in rows]) for name in columns}


def _column(name: str, texts: Sequence[str]) -> tuple[str, list[Any]]:
    kind, value_of = _kind(name)
    return kind, [value_of(text) if text else None for text in texts]


def _kind(name: str) -> tuple[str, Callable[[str], Any]]:
    if name in RESULT_INTEGERS:
        return parquet.INTEGER, int
    if name in RESULT_NUMBERS:
        return parquet.NUMBER, float
    if name in RESULT_FLAGS:
        return parquet.FLAG, lambda text: text == "1"
    return parquet.TEXT, lambda text: text.encode("utf-8", "replace").decode()
