"""Markdown for people: a comment, or the summary of a job (GitHub shows what is appended to $GITHUB_STEP_SUMMARY).

The means first, then what is no plain result with its reason, then all rows behind a fold. GitHub refuses a summary of
more than 1 MiB: rows beyond MOST_BYTES are counted, not shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from harness.export import markdown
from harness.export.markdown import escaped
from harness.export.subject import Entry, Subject
from harness.export.text import plain
from harness.model.emulation import mark_of
from harness.results.table import Table

MOST_BYTES = 700_000  # several steps may share a page
_ROWS = ("name", "status", "ns per call", "95 %", "remarks")


def text(subject: Subject) -> Iterator[str]:
    """The page in parts."""
    about = subject.about
    yield f"## {escaped(about['suite'] or 'Benchmark')}: {escaped(about['run'])}\n\n"
    base, harness = about.get("base"), about["harness"]
    facts = [base and f"compared with {base}", about["started"], harness and f"harness {harness}", about["commit"][:12]]
    yield f"{escaped(plain(', '.join(filter(None, facts))))}\n\n"
    for device in subject.devices:
        if mark := mark_of(device.emulated):
            yield f"> **{escaped(mark)}: {escaped(plain(device.model))}.** These times say nothing about a phone.\n\n"
    for each in subject.absent:
        names = "+".join(each.conditions)
        yield f"- not measured: {escaped(plain(f'{each.name} ({names}): {each.state}. Remedy: {each.remedy}'))}\n"
    counts = Counter(entry.status for entry in subject.entries)
    told = ", ".join(f"{count} {status}" for status, count in counts.most_common())
    yield f"\nResults: {escaped(told or 'none')}.\n\n"
    means = list(subject.means.rows)
    if means:
        yield f"{subject.legend}\n\n"
        yield markdown.text(Table(subject.means.name, subject.means.columns, means, subject.means.numbers)) + "\n"
    yield from (f"- {escaped(plain(remark))}\n" for remark in subject.remarks)
    yield "\n" if subject.remarks else ""
    trouble = [entry for entry in subject.entries if entry.outcome in ("failed", "invalid")]
    if trouble:
        yield from _table("Not plain results", trouble, MOST_BYTES // 2, folded=False)
    yield from _table("All results", subject.entries, MOST_BYTES // 2, folded=True)


def _table(title: str, entries: Sequence[Entry], room: int, *, folded: bool) -> Iterator[str]:
    head, *rest = markdown.text(Table(title, _ROWS, map(_row, entries), frozenset({"ns per call"}))).splitlines()
    yield f"<details><summary>{title}</summary>\n\n" if folded else f"### {title}\n\n"
    yield f"{head}\n{rest[0]}\n"
    for number, line in enumerate(rest[1:]):
        room -= len(line.encode()) + 1
        if room < 0:
            yield f"\n{len(entries) - number} more are left out here: the run's tables have them.\n"
            break
        yield f"{line}\n"
    yield "\n</details>\n" if folded else "\n"


def _row(entry: Entry) -> dict[str, str]:
    time = entry.time
    value = f"{time.value:.6g}" if time else ""
    around = f"{time.low:.6g} to {time.high:.6g}" if time and time.low is not None and time.high is not None else ""
    remarks = entry.words.partition("; ")[2]
    values = (entry.full_name, entry.status, value, around, remarks)
    return dict(zip(_ROWS, map(plain, values), strict=True))
