"""The matrix of faults is whole, and its page names all there is."""

from pathlib import Path

import pytest

from harness.lab.faults import FAULTS, form, parse
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


def test_the_page_has_seen_every_entry() -> None:
    assert [entry.name for entry in ENTRIES if f"| {entry.name} |" not in PAGE] == []
