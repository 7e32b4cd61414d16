"""The store: a folder with one Parquet file for each addition of a run. Nothing in it is ever written over."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock

from harness.errors import InfrastructureError, UsageError
from harness.extras import needed
from harness.history.columns import FORMAT, RunRows
from harness.store import parquet

WHAT = "harness history"
_RUNS = "runs"
_FILE = re.compile(r"([A-Za-z0-9_-]{1,200})\.([0-9]{1,9})\.parquet")
_FILES = "read_parquet($1, union_by_name=true)"
_OF_ADDITION = ", ".join(
    f"any_value({name})" for name in ("started", "run_status", "source", "added", "harness", "rules", "suite")
)
_NEWEST = "QUALIFY addition = max(addition) OVER (PARTITION BY run)"  # of each run the newest addition counts


@dataclass(frozen=True)
class Kept:
    """An addition in the store."""

    run: str
    addition: int
    started: datetime  # UTC, as are all
    run_status: str
    source: str
    added: datetime
    harness: str
    rules: int
    suite: str
    devices: tuple[str, ...]
    rows: int

    def is_of(self, rows: RunRows) -> bool:
        """Whether it is the same as these rows: of the same records, made by the same tool under the same rules."""
        ours = (self.run, self.source, self.harness, self.rules)
        return ours == (rows.run, rows.source, rows.harness, rows.rules)


@dataclass(frozen=True)
class Store:
    """A folder, which ``add`` makes where it is not there."""

    path: Path

    def add(self, rows: RunRows) -> tuple[Kept, bool]:
        """Adds a run: the addition, and whether it is new. One that is there already is left alone.

        Raises UsageError without DuckDB or for what is no store, InfrastructureError where it cannot be written.
        """
        needed("duckdb", WHAT)
        with self._locked():
            there = self.additions(rows.run)
            same = next((kept for kept in there if kept.is_of(rows)), None)
            if same is not None:
                return same, False
            self._write(rows, max((kept.addition for kept in there), default=0) + 1)
            return self.additions(rows.run)[-1], True

    def additions(self, run: str | None = None) -> list[Kept]:
        """All of them, or those of one run, by the time that their runs were started and the order of adding.

        Raises UsageError for a damaged file.
        """
        found = self._query(
            f"SELECT any_value(format), run, addition, {_OF_ADDITION}, list_sort(list(DISTINCT device)), count(*) "  # noqa: S608
            f"FROM {_FILES} GROUP BY run, addition ORDER BY any_value(started), run, addition",
            run,
        )
        return [
            Kept(run, number, started, status or "", source, added, harness, rules, suite or "", tuple(devices), rows)
            for run, number, started, status, source, added, harness, rules, suite, devices, rows in found
        ]

    def newest(self, columns: Sequence[str]) -> list[tuple[Any, ...]]:
        """These columns of each run's newest addition, by the time of its start. Raises UsageError as above."""
        wanted = ", ".join(columns)
        return self._query(f"SELECT format, {wanted} FROM {_FILES} {_NEWEST} ORDER BY started, run")  # noqa: S608

    def _query(self, sql: str, run: str | None = None) -> list[tuple[Any, ...]]:
        """The rows of a query whose first column is ``format``, without that."""
        files = self._files(run)
        if not files:
            return []
        found = parquet.query(sql, files, WHAT)
        other = next((row[0] for row in found if row[0] != FORMAT), FORMAT)
        if other != FORMAT:
            raise UsageError(
                f"{self.path}: it has files of version {other}, this reads version {FORMAT}",
                "use the harness that added them",
            )
        return [row[1:] for row in found]

    def _files(self, run: str | None = None) -> list[Path]:
        folder = self.path / _RUNS
        if not folder.is_dir():
            if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
                raise UsageError(f"{self.path} is no store of a history", "name one, or a new folder, with --store DIR")
            return []
        named = ((path, _FILE.fullmatch(path.name)) for path in folder.iterdir())
        return sorted(path for path, name in named if name and run in (None, name[1]))

    def _write(self, rows: RunRows, number: int) -> None:
        to = self.path / _RUNS / f"{rows.run}.{number}.parquet"
        temporary = to.with_name(f".{to.name}.{os.getpid()}")
        try:
            parquet.write(temporary, rows.stamped(number, datetime.now(UTC).replace(tzinfo=None)), WHAT)
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            os.link(temporary, to)  # fails where the name is taken: nothing is written over
        except OSError as error:
            raise InfrastructureError(
                f"cannot write {to}: {error.strerror or error}", "free some space, or mend the permissions"
            ) from error
        finally:
            temporary.unlink(missing_ok=True)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Two that add at one time do so one after the other."""
        self._files()  # no store is made of a folder of something else
        try:
            (self.path / _RUNS).mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.path / ".lock")
            lock.acquire(timeout=60)
        except OSError as error:  # filelock's Timeout is one, too
            raise InfrastructureError(
                f"cannot write {self.path}: {error.strerror or error}", "mend the permissions, or wait and try again"
            ) from error
        try:
            yield
        finally:
            lock.release()
