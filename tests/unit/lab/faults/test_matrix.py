"""The matrix of faults is whole, and its page names all there is."""

from pathlib import Path

import pytest

from harness.lab.faults import FAULTS, form, parse
from tests.integration.faults.field import CONDITIONS, ELSEWHERE
from tests.integration.faults.matrix import ENTRIES
from tests.integration.faults.page import BEGIN, cell

pytestmark = pytest.mark.unit

PAGE = (Path(__file__).resolve().parents[4] / "docs" / "faults.md").read_text()


def test_every_fault_stands_in_an_entry() -> None:
    assert len(ENTRIES) >= 60
    assert len({entry.name for entry in ENTRIES}) == len(ENTRIES)
    used = {parse(fault).name for entry in ENTRIES for fault in (*entry.before, *entry.during)}
    assert set(FAULTS) - used <= {"twin"}  # put on for the second of two runs


def test_the_page_names_every_fault() -> None:
    made = PAGE.partition(BEGIN)[2]
    assert [name for name in FAULTS if f"`{cell(form(name))}`" not in made] == []


def test_the_page_has_rows_of_entries_alone() -> None:
    matrix = PAGE.partition("## The matrix")[2].partition("\n## ")[0]
    rows = {line.split(" | ")[0].removeprefix("| ") for line in matrix.splitlines() if line.startswith("| ")}
    assert rows - {"fault"} <= {entry.name for entry in ENTRIES}


def test_every_condition_of_the_field_is_tried() -> None:
    tried = {row for entry in ENTRIES for row in entry.rows} | set(ELSEWHERE)
    assert tried == set(CONDITIONS)
