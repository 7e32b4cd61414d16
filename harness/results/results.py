"""All results of a run directory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from harness.model.policy import Policy
from harness.model.sustained import SUSTAINED
from harness.results.aa import AA_COLUMNS, AaRow, make_aa
from harness.results.baseline import BASELINE_COLUMNS, BaselineRow, make_baselines
from harness.results.categories import CATEGORY_COLUMNS, CategoryRow, make_categories
from harness.results.columns import columns_of
from harness.results.faces import FACE_COLUMNS, FaceRow, make_faces
from harness.results.gather import make_rows, with_every_sample
from harness.results.methods import METHOD_COLUMNS, MethodRow, make_methods
from harness.results.networks import NETWORK_COLUMNS, NetworkRow, Networks, make_networks
from harness.results.rows import Row
from harness.results.run import RunData, read_run
from harness.results.series import SERIES_COLUMNS, WINDOW_COLUMNS, Series, Window, make_all_series, windows_of
from harness.results.table import Table
from harness.results.verdicts import VERDICT_COLUMNS, Verdicts, judge_run, policy_of
from harness.results.workers import WORKER_COLUMNS, WorkerRow, make_workers

AnyRow = Row | CategoryRow | FaceRow | BaselineRow | WorkerRow | AaRow | NetworkRow | MethodRow | Series | Window
R = TypeVar("R")
_Place = tuple[str, str]  # device, cluster


@dataclass(frozen=True)
class Results:
    """What was read, and the rows made of it."""

    run: RunData
    rows: list[Row]
    categories: list[CategoryRow]
    faces: list[FaceRow]
    baselines: list[BaselineRow]
    workers: list[WorkerRow]
    aa: list[AaRow]
    networks: Networks
    methods: list[MethodRow]
    verdicts: Verdicts
    measured_by: Policy  # the run's own; the one that judges is verdicts.policy
    series: list[Series] = field(default_factory=list)  # of a sustained run: it has no other numbers

    def tables(self) -> Iterator[Table]:
        """The tables of a run directory; those of both faces, of workers, methods and A/A pairs only where such ran."""
        yield _table("results", columns_of(self.rows), self.rows)
        yield _table("categories", CATEGORY_COLUMNS, self.categories)
        if self.faces:
            yield _table("faces", FACE_COLUMNS, self.faces)
        if self.baselines:
            yield _table("baseline", BASELINE_COLUMNS, self.baselines)
        if self.workers:
            yield _table("workers", WORKER_COLUMNS, self.workers)
        if self.networks.rows:
            yield _table("networks", NETWORK_COLUMNS, self.networks.rows)
        if self.methods:
            yield _table("methods", METHOD_COLUMNS, self.methods)
        if self.run.mode == SUSTAINED:
            yield _table("sustained", SERIES_COLUMNS, self.series)
            yield _table("windows", WINDOW_COLUMNS, windows_of(self.series))
        if self.aa:
            yield _table("aa", AA_COLUMNS, self.aa)
        yield Table("verdicts", VERDICT_COLUMNS, self.verdicts.rows())

    def rows_of(self, device: str, cluster: str, threads: int | None = None) -> list[Row]:
        """The rows of one cluster, in order; those of so many threads, where that is given; none of other builds."""
        found = self._rows.get((device, cluster), [])
        return [row for row in found if threads in (None, row.key.threads)]

    def categories_of(self, device: str, cluster: str, threads: int | None = None) -> list[CategoryRow]:
        """The rows of categories.csv of one cluster, in order; ``threads``: as in rows_of."""
        found = self._categories.get((device, cluster), [])
        return [row for row in found if threads in (None, row.threads)]

    def faces_of(self, device: str, cluster: str, threads: int | None = None) -> list[FaceRow]:
        """The rows of faces.csv of one cluster, in order; ``threads``: as in rows_of."""
        found = self._faces.get((device, cluster), [])
        return [row for row in found if threads in (None, row.best.key.threads)]

    def baselines_of(self, device: str, cluster: str, threads: int | None = None) -> list[BaselineRow]:
        """The rows of baseline.csv of one cluster, in order; ``threads``: as in rows_of."""
        found = self._baselines.get((device, cluster), [])
        return [row for row in found if threads in (None, row.threads)]

    def workers_of(self, device: str, cluster: str, threads: int | None = None) -> list[WorkerRow]:
        """The rows of workers.csv of one cluster, in order; ``threads``: as in rows_of."""
        found = self._workers.get((device, cluster), [])
        return [row for row in found if threads in (None, row.row.key.threads)]

    def methods_of(self, device: str, cluster: str, threads: int | None = None) -> list[MethodRow]:
        """The rows of methods.csv of one cluster, in order; ``threads``: as in rows_of."""
        found = self._methods.get((device, cluster), [])
        return [row for row in found if threads in (None, row.row.key.threads)]

    def threads_of(self, device: str, cluster: str) -> list[int]:
        """The numbers of threads that a cluster's rows have, in rising order; 1 where it has none."""
        return sorted({row.key.threads for row in self.rows_of(device, cluster)}) or [1]

    def series_of(self, device: str, cluster: str, threads: int | None = None) -> list[Series]:
        """The rows of sustained.csv of one cluster, in order; ``threads``: as in rows_of."""
        keys = ((each, each.key) for each in self.series)
        found = [each for each, key in keys if (key.device, key.cluster) == (device, cluster)]
        return [each for each in found if threads in (None, each.key.threads)]

    def aa_of(self, device: str, cluster: str, threads: int | None = None) -> list[AaRow]:
        """The rows of aa.csv of one cluster, in order; ``threads``: as in rows_of."""
        found = self._aa.get((device, cluster), [])
        return [pair for pair in found if threads in (None, pair.row.key.threads)]

    @cached_property
    def _rows(self) -> dict[_Place, list[Row]]:
        return _by_place(own_rows(self.rows), lambda row: (row.key.device, row.key.cluster))

    @cached_property
    def _categories(self) -> dict[_Place, list[CategoryRow]]:
        return _by_place(self.categories, lambda row: (row.device, row.cluster))

    @cached_property
    def _faces(self) -> dict[_Place, list[FaceRow]]:
        return _by_place(self.faces, lambda row: (row.best.key.device, row.best.key.cluster))

    @cached_property
    def _baselines(self) -> dict[_Place, list[BaselineRow]]:
        return _by_place(self.baselines, lambda row: (row.device, row.cluster))

    @cached_property
    def _workers(self) -> dict[_Place, list[WorkerRow]]:
        return _by_place(self.workers, lambda row: (row.row.key.device, row.row.key.cluster))

    @cached_property
    def _methods(self) -> dict[_Place, list[MethodRow]]:
        return _by_place(self.methods, lambda row: (row.row.key.device, row.row.key.cluster))

    @cached_property
    def _aa(self) -> dict[_Place, list[AaRow]]:
        return _by_place(self.aa, lambda row: (row.row.key.device, row.row.key.cluster))


def _by_place(rows: Iterable[R], place_of: Callable[[R], _Place]) -> dict[_Place, list[R]]:
    found: dict[_Place, list[R]] = {}
    for row in rows:
        found.setdefault(place_of(row), []).append(row)
    return found


def make_results(run_dir: Path, policy: Policy | None = None) -> Results:
    """Reads a run directory and computes its rows. Raises InfrastructureError for duplicate samples.

    ``policy``: samples are judged by it; None: by the one that they were measured under. Whether a series is whole is
    told by the one that it was measured under.
    """
    run = read_run(run_dir)
    measured_by = policy_of(run)
    policy = (policy or measured_by).of_mode(run.mode)
    verdicts = judge_run(run, policy)
    rows = make_rows(run, verdicts)
    if run.mode == SUSTAINED:
        rows = _failures(rows)
    own = own_rows(rows)
    categories, baselines = make_categories(run, own), make_baselines(run, own)
    series = make_all_series(run, measured_by.sustained)
    faces, workers, aa = make_faces(own), make_workers(own), make_aa(rows)
    networks, methods = make_networks(run, own), make_methods(own, verdicts.policy.least_pairs)
    return Results(
        run, rows, categories, faces, baselines, workers, aa, networks, methods, verdicts, measured_by, series
    )


def _failures(rows: Sequence[Row]) -> list[Row]:
    """Those of a sustained run's rows that say why there is no series; the others' times are no burst's."""
    found = [row for row in rows if row.status not in ("ok", "unjudged")]
    for number, row in enumerate(found, start=1):
        row.number = number
    return found


def categories_of_all(results: Results) -> list[CategoryRow]:
    """The rows of categories.csv as they would be if every sample counted."""
    return make_categories(results.run, with_every_sample(own_rows(results.rows)))


def own_rows(rows: Iterable[Row]) -> list[Row]:
    """Those that the run's own build measured, and workers of somebody else: what the run's answer is about."""
    return [row for row in rows if not row.other_build]


def _table(name: str, columns: Sequence[str], rows: Sequence[AnyRow]) -> Table:
    return Table(name, columns, [row.columns for row in rows])
