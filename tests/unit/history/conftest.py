"""A store of ten nights, with a step after the fifth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks.history import KEY, make_night
from harness.history.columns import RunRows, rows_of
from harness.history.store import Store
from harness.results.results import make_results

SHARES: Sequence[float] = [1.0] * 5 + [1.06] * 5


@pytest.fixture(scope="session")
def nights(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Their run directories. Not to be changed."""
    folder = tmp_path_factory.mktemp("nights")
    return [make_night(folder, night, share) for night, share in enumerate(SHARES)]


@pytest.fixture(scope="session")
def rows(nights: list[Path]) -> list[RunRows]:
    """What is kept of each."""
    return [rows_of(make_results(night), KEY) for night in nights]


@pytest.fixture(scope="session")
def filled(rows: list[RunRows], tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The store of all of them. Not to be changed."""
    store = Store(tmp_path_factory.mktemp("store") / "history")
    for each in rows:
        assert store.add(each)[1]
    return store
