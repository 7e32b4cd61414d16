"""The matrix of faults is whole, and its page names all there is."""

from pathlib import Path

import pytest

from harness.lab.faults import FAULTS, form, parse
from tests.integration.faults.field import CONDITIONS, ELSEWHERE
from tests.integration.faults.matrix import ENTRIES
from tests.integration.faults.page import BEGIN, FAILED, NOT_TRIED, Page, cell
from tests.integration.faults.rehearsed import Seen

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


def test_an_entry_that_fails_says_why() -> None:
    assert [entry.name for entry in ENTRIES if entry.code > 0 and not entry.says] == []


SEEN = Seen(0, "", "all", "put back", [], None)


def rows(file: Path) -> dict[str, str]:
    matrix = file.read_text().partition("## The matrix")[2].partition("\n## ")[0]
    return {line.split(" | ")[0].removeprefix("| "): line for line in matrix.splitlines() if line.startswith("| ")}


def test_the_page_tells_what_one_run_saw(tmp_path: Path) -> None:
    file, (first, second, third, *_) = tmp_path / "faults.md", ENTRIES
    file.write_text(PAGE)
    page = Page(file, tmp_path / "build" / "one.json")
    for entry in (first, second):
        page.begin(entry)
    page.note(first, SEEN)
    page.begin_kills()
    text, found = file.read_text(), rows(file)
    assert text.startswith(PAGE.partition(BEGIN)[0])
    assert found[first.name].endswith("| 0 | - | all | put back | - |")
    assert FAILED in found[second.name] and NOT_TRIED in found[third.name]
    assert set(found) == {"fault", *(entry.name for entry in ENTRIES)}
    assert text.rstrip().endswith(FAILED)
    page.note_kills("Killed 50 times.")
    assert file.read_text().rstrip().endswith("Killed 50 times.")
    Page(file, tmp_path / "build" / "two.json").note(
        third, SEEN
    )  # another run of the tests: nothing of the first stays
    found = rows(file)
    assert NOT_TRIED in found[first.name] and "put back" in found[third.name]
    assert file.read_text().rstrip().endswith(NOT_TRIED)


def test_no_page_is_written_where_none_is_asked_for(tmp_path: Path) -> None:
    page = Page(None, tmp_path / "state.json")
    page.begin(ENTRIES[0])
    page.note(ENTRIES[0], SEEN)
    assert list(tmp_path.iterdir()) == []
