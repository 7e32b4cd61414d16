"""The matrix of faults is whole, and its page names all there is."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.lab.faults import FAULTS, form, parse
from tests.integration.faults.field import CONDITIONS, ELSEWHERE
from tests.integration.faults.matrix import ENTRIES
from tests.integration.faults.page import BEGIN, FAILED, NOT_TRIED, Kills, Page, cell
from tests.integration.faults.rehearsed import Seen
from tests.integration.faults.revision import Revision, revision

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
    page = Page(file, tmp_path / "build", "one", None)
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
    page.note_kills(Kills(20, 3, 2, 1), "soon")
    page.note_kills(Kills(30, 4, 0, 5), "soon")
    said = (
        "Killed 50 times at random moments, soon (7 runs and 2 ends of them, 6 kills before a new sample): no complete"
    )
    assert said in file.read_text()
    assert "Seen in one run of the tests, on code with changes that no commit has." in file.read_text()
    Page(file, tmp_path / "build", "two", None).note(third, SEEN)  # another run: nothing of the first stays
    found = rows(file)
    assert NOT_TRIED in found[first.name] and "put back" in found[third.name]
    assert file.read_text().rstrip().endswith(NOT_TRIED)


def test_runs_on_one_commit_add_up(tmp_path: Path) -> None:
    file, (first, second, *_) = tmp_path / "faults.md", ENTRIES
    file.write_text(PAGE)
    here = Revision("abc", "2026-01-31")
    for run, entry in (("one", first), ("two", second)):
        page = Page(file, tmp_path / "build", run, here)
        page.begin(entry)
        if entry is first:
            page.note(entry, SEEN)
    assert "Seen in 2 runs, each of a part, of the tests, on commit abc of 2026-01-31.\n" in file.read_text()
    assert "put back" in rows(file)[first.name] and FAILED in rows(file)[second.name]
    page = Page(file, tmp_path / "build", "three", here)
    page.begin(second)
    page.note(second, SEEN)
    text = file.read_text()
    assert "put back" in rows(file)[first.name] and "put back" in rows(file)[second.name]
    assert (
        f"Seen in 3 runs, each of a part, of the tests, on commit abc of 2026-01-31. At first these failed, or were "
        f"broken off: {second.name}.\n" in text
    )
    Page(file, tmp_path / "build", "four", Revision("abd", "2026-01-31")).note(second, SEEN)
    assert NOT_TRIED in rows(file)[first.name]


def test_the_revision_is_the_last_commit_that_changed_code(tmp_path: Path, need_tool: Callable[[str], str]) -> None:
    git = need_tool("git")

    def commit(name: str) -> None:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
        for argv in (("add", "."), ("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", name)):
            subprocess.run([git, "-C", str(tmp_path), *argv], check=True)

    assert revision(tmp_path, git) is None
    subprocess.run([git, "init", "-q", str(tmp_path)], check=True)
    commit("harness/a.py")
    first = revision(tmp_path, git)
    commit("docs/b.md")
    assert first is not None and len(first.commit) == 12 and revision(tmp_path, git) == first
    (tmp_path / "native").mkdir()
    (tmp_path / "native" / "c.c").write_text("x")
    assert revision(tmp_path, git) is None
    commit("native/c.c")
    assert revision(tmp_path, git) not in (None, first)


def test_no_page_is_written_where_none_is_asked_for(tmp_path: Path) -> None:
    page = Page(None, tmp_path, "one", None)
    page.begin(ENTRIES[0])
    page.note(ENTRIES[0], SEEN)
    assert list(tmp_path.iterdir()) == []
