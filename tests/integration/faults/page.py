"""docs/faults.md: the faults there are, and the matrix as the tests saw it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from filelock import FileLock

from harness.lab.faults import FAULTS, form
from tests.integration.faults.entry import Entry
from tests.integration.faults.field import CONDITIONS, ELSEWHERE
from tests.integration.faults.matrix import ENTRIES
from tests.integration.faults.rehearsed import Seen, shown

BEGIN = "<!-- made by make test-faults: what stands below is not written by hand -->"
_HEAD = "| fault | what happens | put on with | exit | said | records | settings | then `--resume` |"
FAILED, NOT_TRIED = "FAILED", "not tried"
_KILLS = "(kills)"
_RULE = "|---|---|---|---|---|---|---|---|"


class Page:
    """What was seen of each entry, and of the kills, in one run of the tests; written at once.

    ``path``: None for none. ``state`` is a file that the processes of the run share. What has not come to its end as it
    should is FAILED, what did not run is "not tried": nothing of earlier runs stays.
    """

    def __init__(self, path: Path | None, state: Path) -> None:
        self._path = path
        self._state = state

    def begin(self, entry: Entry) -> None:
        """Until ``note`` says otherwise it has failed."""
        self._keep(entry.name, _row(entry, FAILED))

    def note(self, entry: Entry, seen: Seen) -> None:
        """It was as it should be."""
        said = cell(shown(seen.said, entry.says)) if entry.says or seen.code else "-"
        resumed = "-" if seen.resumed is None else str(seen.resumed)
        self._keep(entry.name, _row(entry, str(seen.code), said or "-", seen.records, seen.settings, resumed))

    def begin_kills(self) -> None:
        """The same for the kills."""
        self._keep(_KILLS, FAILED)

    def note_kills(self, text: str) -> None:
        """The same for the kills."""
        self._keep(_KILLS, text)

    def _keep(self, name: str, text: str) -> None:
        if self._path is None:
            return
        self._state.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{self._state}.lock"):  # several processes share the entries
            found: dict[str, str] = json.loads(self._state.read_text()) if self._state.exists() else {}
            found[name] = text
            self._state.write_text(json.dumps(found))
            kept = self._path.read_text().partition(BEGIN)[0]
            self._path.write_text(f"{kept}{BEGIN}\n\n{self._made(found)}")

    def _made(self, found: Mapping[str, str]) -> str:
        matrix = [_HEAD, _RULE, *(found.get(entry.name) or _row(entry, NOT_TRIED) for entry in ENTRIES)]
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
                found.get(_KILLS, NOT_TRIED),
                "",
            ]
        )


def _row(entry: Entry, *seen: str) -> str:
    """What was seen: exit, said, records, settings, resumed; what is left out is not known."""
    faults = ", ".join(f"`{cell(fault)}`" for fault in (*entry.before, *entry.during)) or "-"
    cells = (entry.name, entry.how, faults, *seen, *[""] * (5 - len(seen)))
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
