"""The extra that is installed on demand is told as pyproject.toml has it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.extras import HISTORY, HOSTS, check_there, needed

pytestmark = pytest.mark.unit


def test_the_names_are_those_of_the_project() -> None:
    project = tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text())["project"]
    for extra, expected in (("history", HISTORY), ("hosts", HOSTS)):
        names = project["optional-dependencies"][extra]
        assert tuple(each.partition(";")[0] for each in names) == expected  # with markers of what has no wheel yet


def test_each_package_is_told_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.extras.find_spec", lambda module: None)
    with pytest.raises(UsageError, match=r"--scheduler needs the package distributed(?s:.)*pip install 'crypto"):
        check_there("distributed", "--scheduler")
    with pytest.raises(UsageError, match=r"pip install 'duckdb"):
        check_there("ruptures", "history")


def test_a_part_of_what_is_absent_is_told_as_the_package() -> None:
    with pytest.raises(UsageError, match=r"needs the package no_such_package,"):
        needed("no_such_package.part", "this")


def test_what_is_absent_is_told_before_it_is_needed() -> None:
    check_there("json", "this")
    with pytest.raises(UsageError, match=r"this needs the package no_such_package.*not installed"):
        check_there("no_such_package", "this")


def test_a_fault_within_a_package_is_not_its_absence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "half_there.py").write_text("import no_such_part\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="no_such_part"):
        needed("half_there", "this")
