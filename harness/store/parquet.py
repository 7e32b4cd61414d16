"""Tables as Parquet files, by DuckDB, which is asked for nothing but that: no extension is loaded, none fetched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.errors import InfrastructureError, UsageError
from harness.extras import needed

TEXT, INTEGER, NUMBER, FLAG, TIME = "VARCHAR", "BIGINT", "DOUBLE", "BOOLEAN", "TIMESTAMP"
_ALONE = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "threads": "1",  # a run's table is small: starting threads takes longer
}

Columns = Mapping[str, tuple[str, Sequence[Any]]]  # by name: type and values, as many in each; None: unknown


def write(path: Path, columns: Columns, what: str) -> None:
    """Writes a file: the same bytes for the same columns. ``what``: that needs it, for messages.

    Raises UsageError without DuckDB, InfrastructureError where it cannot be written.
    """
    duckdb = needed("duckdb", what)
    chosen = ", ".join(
        f"unnest(${n}::{kind}[]) AS {_name(name)}" for n, (name, (kind, _)) in enumerate(columns.items(), 1)
    )
    try:
        with duckdb.connect(config=_ALONE) as connection:
            connection.execute(
                f"COPY (SELECT {chosen}) TO {_text(str(path))} (FORMAT parquet, COMPRESSION zstd)",
                [list(values) for _, values in columns.values()],
            )
    except duckdb.Error as error:
        raise InfrastructureError(f"cannot write {path}: {_first_line(error)}", "free some space") from error


def query(sql: str, files: Sequence[Path], what: str) -> list[tuple[Any, ...]]:
    """The rows of a query over ``files``, which it calls ``$1``. Raises UsageError where one of them is damaged."""
    duckdb = needed("duckdb", what)
    try:
        with duckdb.connect(config=_ALONE) as connection:
            rows: list[tuple[Any, ...]] = connection.execute(sql, [[str(file) for file in files]]).fetchall()
            return rows
    except duckdb.Error as error:
        raise UsageError(
            f"a Parquet file cannot be read: {_first_line(error)}",
            "put back a copy of it, or take it out of the folder",
        ) from error


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or ["no reason was given"])[0]
