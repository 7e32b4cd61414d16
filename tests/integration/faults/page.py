"""docs/faults.md: the faults there are, and the matrix as the tests saw it."""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock

from harness.lab.faults import FAULTS, form
from tests.integration.faults.entry import Entry
from tests.integration.faults.field import CONDITIONS, ELSEWHERE
from tests.integration.faults.matrix import ENTRIES
from tests.integration.faults.rehearsed import Seen, shown

BEGIN = "<!-- made by make test-faults: what stands below is not written by hand -->"
_HEAD = "| fault | what happens | put on with | exit | said | records | settings | then `--resume` |"
_RULE = "|---|---|---|---|---|---|---|---|"


class Page:
    """What was seen of each entry, and of the kills; written to ``path`` at once, where there is one."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._seen: dict[str, Seen] = {}
        self._kills = ""

    def note(self, entry: Entry, seen: Seen) -> None:
        self._seen = {entry.name: seen}  # those before are on the page
        self._write()

    def note_kills(self, text: str) -> None:
        self._kills = text
        self._write()

    def _write(self) -> None:
        """Replaces the part of the page that is made; rows of entries that did not run this time stay."""
        if self._path is None:
            return
        lock = self._path.parents[1] / "build" / "faults.lock"
        with FileLock(lock):  # several processes share the entries
            kept, _, made = self._path.read_text().partition(BEGIN)
            self._path.write_text(f"{kept}{BEGIN}\n\n{self._made(made)}")

    def _made(self, before: str) -> str:
        old = {line.split("|")[1].strip(): line for line in before.splitlines() if line.startswith("| ")}
        rows = [self._row(entry) if entry.name in self._seen else old.get(entry.name) for entry in ENTRIES]
        matrix = [_HEAD, _RULE, *(row for row in rows if row)]
        kills = self._kills or next((line for line in before.splitlines() if line.startswith("Killed ")), "")
        return "\n".join(
            [
                "## Faults",
                "",
                "| fault | what it does |",
                "|---|---|",
                *(f"| `{cell(form(name))}` | {cell(kind.help)} |" for name, kind in FAULTS.items()),
                "",
                "## The matrix",
                "",
                *matrix,
                "",
                "## Conditions of public reports",
                "",
                "| condition | tried by |",
                "|---|---|",
                *(f"| {CONDITIONS[row]} | {names} |" for row, names in _by_row().items()),
                "",
                "## Random kills",
                "",
                kills,
                "",
            ]
        )

    def _row(self, entry: Entry) -> str:
        seen = self._seen[entry.name]
        faults = ", ".join(f"`{cell(fault)}`" for fault in (*entry.before, *entry.during)) or "-"
        resumed = "-" if seen.resumed is None else str(seen.resumed)
        said = cell(shown(seen.said, entry.says)) if entry.says or seen.code else "-"
        cells = (entry.name, entry.how, faults, str(seen.code), said or "-", seen.records, seen.settings, resumed)
        return f"| {' | '.join(cells)} |"


def cell(text: str) -> str:
    """Text within a table of Markdown."""
    return text.replace("|", "\\|").replace("<", "&lt;")


def _by_row() -> dict[int, str]:
    """Where each condition is tried: entries, or a test."""
    rows: dict[int, list[str]] = {row: [ELSEWHERE[row]] if row in ELSEWHERE else [] for row in CONDITIONS}
    for entry in ENTRIES:
        for row in entry.rows:
            rows[row].append(entry.name)
    return {row: ", ".join(names) for row, names in rows.items()}
