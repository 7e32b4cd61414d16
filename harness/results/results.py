"""All results of a run directory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from harness.results.baseline import BASELINE_COLUMNS, BaselineRow, make_baselines
from harness.results.categories import CATEGORY_COLUMNS, CategoryRow, make_categories
from harness.results.columns import RESULT_COLUMNS
from harness.results.faces import FACE_COLUMNS, FaceRow, make_faces
from harness.results.gather import make_rows
from harness.results.rows import Row
from harness.results.run import RunData, read_run
from harness.results.table import Table
from harness.results.workers import WORKER_COLUMNS, WorkerRow, make_workers

AnyRow = Row | CategoryRow | FaceRow | BaselineRow | WorkerRow


@dataclass(frozen=True)
class Results:
    """What was read, and the rows made of it."""

    run: RunData
    rows: list[Row]
    categories: list[CategoryRow]
    faces: list[FaceRow]
    baselines: list[BaselineRow]
    workers: list[WorkerRow] = field(default_factory=list)

    def tables(self) -> Iterator[Table]:
        """The tables of a run directory; those of both faces, and of workers, only where such ran."""
        yield _table("results", RESULT_COLUMNS, self.rows)
        yield _table("categories", CATEGORY_COLUMNS, self.categories)
        if self.faces:
            yield _table("faces", FACE_COLUMNS, self.faces)
        if self.baselines:
            yield _table("baseline", BASELINE_COLUMNS, self.baselines)
        if self.workers:
            yield _table("workers", WORKER_COLUMNS, self.workers)

    def rows_of(self, device: str, cluster: str) -> list[Row]:
        """The rows of one cluster, in order."""
        return self._places.get((device, cluster), [])

    def categories_of(self, device: str, cluster: str) -> list[CategoryRow]:
        """The rows of categories.csv of one cluster, in order."""
        return self._means.get((device, cluster), [])

    def workers_of(self, device: str, cluster: str) -> list[WorkerRow]:
        """The rows of workers.csv of one cluster, in order."""
        return self._workers.get((device, cluster), [])

    @cached_property
    def _means(self) -> dict[tuple[str, str], list[CategoryRow]]:
        found: dict[tuple[str, str], list[CategoryRow]] = {}
        for row in self.categories:
            found.setdefault((row.device, row.cluster), []).append(row)
        return found

    @cached_property
    def _workers(self) -> dict[tuple[str, str], list[WorkerRow]]:
        found: dict[tuple[str, str], list[WorkerRow]] = {}
        for row in self.workers:
            found.setdefault((row.row.key.device, row.row.key.cluster), []).append(row)
        return found

    @cached_property
    def _places(self) -> dict[tuple[str, str], list[Row]]:
        found: dict[tuple[str, str], list[Row]] = {}
        for row in self.rows:
            found.setdefault((row.key.device, row.key.cluster), []).append(row)
        return found


def make_results(run_dir: Path) -> Results:
    """Reads a run directory and computes its rows. Raises InfrastructureError for duplicate samples."""
    run = read_run(run_dir)
    rows = make_rows(run)
    return Results(
        run, rows, make_categories(run, rows), make_faces(rows), make_baselines(run, rows), make_workers(rows)
    )


def _table(name: str, columns: Sequence[str], rows: Sequence[AnyRow]) -> Table:
    return Table(name, columns, [row.columns for row in rows])
