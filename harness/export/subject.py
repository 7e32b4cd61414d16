"""What every export is made of: an entry for each thing that was measured, with a name that no other one has.

A name is built of what a result is known by from run to run: device, layer, variant, cache mode, CPUs, threads. The
build is no part of it, for a trend is over builds; it comes behind where two builds were measured in one run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

from harness.errors import UsageError
from harness.export.text import name_of, plain
from harness.judge.reason import Reason
from harness.model.emulation import mark_of
from harness.model.sustained import SUSTAINED
from harness.results.categories import CategoryRow
from harness.results.columns import columns_of
from harness.results.results import Results
from harness.results.rows import COMPARED, Row
from harness.results.run import DeviceData
from harness.results.table import Table
from harness.stats.interval import Interval
from harness.store.manifest import LeftOut

Outcome = Literal["passed", "failed", "invalid", "skipped"]

# By a row's status. A wrong result is the library's failure; a crash, missing and unbelievable samples are not its own.
OUTCOMES: Mapping[str, Outcome] = {
    "ok": "passed",
    "wrong": "failed",
    "error": "invalid",
    "unjudged": "invalid",
    "missing": "invalid",
    "skip": "skipped",
}
NO_SERIES = "no export holds the series of a sustained run: they stand in sustained.csv and windows.csv"
_MEANS = ("device", "cluster", "cache", "category", "algorithm", "other", "face", "ratio", "layers", "emulated")
LONGEST_NAME = 900  # characters: Bencher takes 1024


@dataclass(frozen=True)
class Entry:
    """One result. ``columns``: all that its table says of it, as texts."""

    device: str
    cluster: str  # its CPUs
    cache: str
    threads: int
    layer: str
    variant: str
    build: str
    status: str  # of a row of results.csv, or the decision of a comparison
    outcome: Outcome
    words: str  # why, on one line
    time: Interval | None  # nanoseconds per call
    columns: Mapping[str, str]
    name: str = ""  # unique on its device
    row: Row | None = None
    against: str = ""  # the name of the other build, as --against was given it; empty: the run's own

    @property
    def full_name(self) -> str:
        """Unique in the run."""
        return f"{self.device}/{self.name}"

    @property
    def place(self) -> tuple[str, str, str]:
        """Device, CPUs and cache mode."""
        return (self.device, self.cluster, self.cache)


@dataclass(frozen=True)
class Subject:
    """What is exported: of one device, or of all."""

    about: Mapping[str, str]  # run, suite, harness, commit, started (ISO 8601 with a zone): "" where unknown
    entries: Sequence[Entry]
    table: Table
    means: Table  # what stands first where people read it
    devices: Sequence[DeviceData]
    absent: Sequence[LeftOut] = ()  # devices that were meant and are not measured
    results: Results | None = None  # of a run, for its samples
    legend: str = "A ratio over 1: the first is faster; intervals are 95 % over launches."
    remarks: Sequence[str] = ()

    @cached_property
    def measured(self) -> list[Entry]:
        """The entries with a time that can be believed."""
        return [entry for entry in self.entries if entry.time is not None and entry.outcome in ("passed", "failed")]


def of_run(results: Results, device: str | None = None) -> Subject:
    """A run as it is exported; ``device``: that one alone, by the name of its folder.

    Raises UsageError for a sustained run, whose series are no results of a cool device.
    """
    run = results.run
    if run.mode == SUSTAINED:
        raise UsageError(f"{run.path.name}: {NO_SERIES}", "read those tables (docs/formats.md)")
    rows = [row for row in results.rows if device in (None, row.key.device) and not row.is_copy]
    entries = named([_entry(row) for row in rows])
    return Subject(
        about_run(run.manifest, run.path.name),
        entries,
        Table("results", columns_of(rows), [row.columns for row in rows]),
        _means([row for row in results.categories if device in (None, row.device)]),
        [each for each in run.devices if device in (None, each.name)],
        run.left_out if device is None else (),
        results,
    )


def about_run(manifest: Mapping[str, Any], folder: str) -> dict[str, str]:
    """Which run it is, off its manifest, of which nothing is trusted."""

    def part(name: str, key: str) -> str:
        value = manifest.get(name)
        return plain(value.get(key) or "") if isinstance(value, dict) else ""

    return {
        "run": plain(manifest.get("run") or folder),
        "suite": part("suite", "name"),
        "harness": part("versions", "harness"),
        "commit": part("git", "commit"),
        "started": plain(manifest.get("started") or ""),
    }


def _means(rows: Sequence[CategoryRow]) -> Table:
    """The categories, their numbers short."""
    shown = [{**row.columns, "ratio": interval_text(row.ratio), "emulated": mark_of(row.emulated)} for row in rows]
    return Table("categories", with_threads(_MEANS, shown), shown, frozenset({"layers"}))


def with_threads(columns: Sequence[str], rows: Sequence[Mapping[str, str]]) -> tuple[str, ...]:
    """The columns of a short table, with ``threads`` behind the CPUs where any row is of several."""
    if all(row["threads"] == "1" for row in rows):
        return tuple(columns)
    behind = columns.index("cluster") + 1
    return (*columns[:behind], "threads", *columns[behind:])


def _entry(row: Row) -> Entry:
    key = row.key
    return Entry(
        key.device,
        key.cluster,
        key.cache,
        key.threads,
        key.layer,
        key.variant,
        key.build,
        row.status,
        OUTCOMES[row.status],
        "; ".join(_words(row)),
        row.time,
        row.columns,
        row=row,
        against=row.other_build,
    )


def _words(row: Row) -> Iterator[str]:
    """What belongs beside a number of that row."""
    yield row.status
    if row.reason:
        yield " ".join(plain(row.reason).split())
    if row.has_samples:
        counts = Counter(reason for _, mask in row.tainted for reason in Reason if reason & mask)
        why = ", ".join(f"{reason.name} {count}" for reason, count in counts.most_common())
        tainted = f", {len(row.tainted)} tainted ({why})" if row.tainted else ""
        yield f"{len(row.observations)} valid samples{tainted}"
    for other in COMPARED:
        if ratio := row.ratio(other):
            yield f"{interval_text(ratio)} times as fast as {other}"
    if row.conditions:
        yield plain(row.conditions)


def interval_text(found: Interval) -> str:
    """``1.113 [1.101, 1.125]``; where there is no interval that is said."""
    if found.low is None or found.high is None:
        return f"{found.value:.3f} (no interval)"
    return f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"


def named(entries: Sequence[Entry]) -> list[Entry]:
    """The same with their names: with the build where it takes that to tell two apart, then with a number.

    What another build of --against measured has its name as it was given, which is the same from commit to commit.
    """
    short = [_name(entry, "") for entry in entries]
    shared = Counter(zip((entry.device for entry in entries), short, strict=True))
    taken: Counter[tuple[str, str]] = Counter()
    found = []
    for entry, name in zip(entries, short, strict=True):
        longer = _name(entry, f"build:{entry.build}") if shared[entry.device, name] > 1 else name
        taken[entry.device, longer] += 1
        count = taken[entry.device, longer]
        found.append(replace(entry, name=longer if count == 1 else f"{longer}/{count}"))
    return found


def _name(entry: Entry, build: str) -> str:
    threads = f"threads:{entry.threads}" if entry.threads > 1 else ""
    against = f"against:{entry.against}" if entry.against else ""
    parts = (entry.layer, entry.variant, entry.cache, f"cpus:{entry.cluster}", threads, against, build)
    return name_of(*parts, longest=LONGEST_NAME)
