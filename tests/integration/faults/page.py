"""docs/faults.md: the faults there are, and the matrix as the tests saw it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from filelock import FileLock

from harness.lab.faults import FAULTS, form
from harness.store.journal import write_atomically
from tests.integration.faults.entry import Entry
from tests.integration.faults.field import CONDITIONS, ELSEWHERE
from tests.integration.faults.matrix import ENTRIES
from tests.integration.faults.rehearsed import Seen, shown
from tests.integration.faults.revision import Revision

BEGIN = "<!-- made by make test-faults: what stands below is not written by hand -->"
_HEAD = "| fault | what happens | put on with | exit | said | records | settings | then `--resume` |"
FAILED, NOT_TRIED = "FAILED", "not tried"
KILLS = "random kills"
_KILLS_RIGHT = (
    "no complete record was lost or doubled, each run was completed by `--resume`, all settings were put back, and "
    "nothing was left on the phone."
)
_RULE = "|---|---|---|---|---|---|---|---|"


@dataclass(frozen=True)
class Kills:
    """Of the host at random moments; ``ended``: runs that ended before, ``early``: kills before a new sample."""

    killed: int = 0
    runs: int = 0
    ended: int = 0
    early: int = 0

    def __add__(self, more: Kills) -> Kills:
        return Kills(self.killed + more.killed, self.runs + more.runs, self.ended + more.ended, self.early + more.early)


@dataclass
class _Record:
    """What is known of a revision: rows by entry, the runs of the tests that gave them, entries that failed in one."""

    rows: dict[str, str] = field(default_factory=dict)
    runs: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    kills: dict[str, int] = field(default_factory=lambda: asdict(Kills()))


class Page:
    """What was seen of each entry, and of the kills; written at once.

    ``path``: None for none. ``folder`` holds what was seen, by revision: the processes of a run of the tests share it,
    and so do runs on one revision, each of which may try a part of the matrix. Without a revision a run stands alone.
    What has not come to its end as it should is FAILED, what did not run is "not tried": nothing of another revision
    stays, and an entry that had failed before it was as it should is named.
    """

    def __init__(self, path: Path | None, folder: Path, run: str, revision: Revision | None) -> None:
        self._path = path
        self._state = folder / f"{revision.commit if revision else run}.json"
        self._run = run
        self._revision = revision

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
        self._keep(KILLS, FAILED)

    def note_kills(self, kills: Kills, done: str) -> None:
        """What was done, and that it was as it should be: those of all runs add up. ``done``: how they were done."""
        self._keep(KILLS, done, kills)

    def _keep(self, name: str, text: str, kills: Kills | None = None) -> None:
        if self._path is None:
            return
        self._state.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{self._state}.lock"):  # several processes share the entries
            record = _Record(**json.loads(self._state.read_text())) if self._state.exists() else _Record()
            if _has_failed(text) and _has_failed(record.rows.get(name, "")) and name not in record.failed:
                record.failed.append(name)
            if self._run not in record.runs:
                record.runs.append(self._run)
            if kills is not None:
                kills += Kills(**record.kills)
                record.kills = asdict(kills)
                text = (
                    f"Killed {kills.killed} times at random moments, {text} ({kills.runs} runs and {kills.ended} ends "
                    f"of them, {kills.early} kills before a new sample): {_KILLS_RIGHT}"
                )
            record.rows[name] = text
            write_atomically(self._state, json.dumps(asdict(record)).encode())
            kept = self._path.read_text().partition(BEGIN)[0]
            self._path.write_text(f"{kept}{BEGIN}\n\n{self._made(record)}")

    def _origin(self, record: _Record) -> str:
        """Of which code the rows are, and in how many runs they came about."""
        if self._revision is None:
            return "Seen in one run of the tests, on code with changes that no commit has."
        runs = "one run" if len(record.runs) == 1 else f"{len(record.runs)} runs, each of a part,"
        text = f"Seen in {runs} of the tests, on commit {self._revision}."
        again = [name for name in record.failed if not _has_failed(record.rows.get(name, ""))]
        return f"{text} At first these failed, or were broken off: {', '.join(again)}." if again else text

    def _made(self, record: _Record) -> str:
        found = record.rows
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
                self._origin(record),
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
                found.get(KILLS, NOT_TRIED),
                "",
            ]
        )


def _has_failed(text: str) -> bool:
    return text == FAILED or f"| {FAILED} |" in text


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
