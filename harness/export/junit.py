"""JUnit XML: a test suite for each device, CPUs and cache mode, a test case for each result.

A failure is a wrong result, or a regression; an error is what could not be measured or believed; skipped is what does
not apply, and a device that was not there. JUnit has no field for an interval: each case has properties with what its
table says, as pytest and junitparser write and read them. A case's ``time`` is that of a call, in seconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from harness.export.subject import Entry, Outcome, Subject
from harness.export.text import plain

_ELEMENTS: Mapping[Outcome, str] = {"failed": "failure", "invalid": "error", "skipped": "skipped"}
_COUNTED: Mapping[str, Outcome] = {"failures": "failed", "errors": "invalid", "skipped": "skipped"}


def text(subject: Subject) -> Iterator[str]:
    """The file in parts, a case at a time."""
    suites: dict[tuple[str, str, str], list[Entry]] = {}
    for entry in subject.entries:
        suites.setdefault(entry.place, []).append(entry)
    counts: Counter[Outcome] = Counter(entry.outcome for entry in subject.entries)
    counts["skipped"] += len(subject.absent)
    total = _counts(counts, _seconds(subject.entries))
    del total["skipped"]  # the schemas have it in suites alone
    yield f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites{_attributes({"name": "harness", **total})}>\n'
    started = subject.about["started"].removesuffix("Z").partition(".")[0].partition("+")[0]  # Ant's has no zone
    for number, (place, entries) in enumerate(suites.items()):
        yield from _suite(number, place, entries, started, subject.about)
    for number, device in enumerate(subject.absent, start=len(suites)):
        head = {"name": device.name, "id": str(number), "timestamp": started, "hostname": device.name}
        head |= _counts({"skipped": 1}, 0.0)
        why = f"{'+'.join(device.conditions)} {device.state}".strip()
        yield f"  <testsuite{_attributes(head)}>\n"
        yield f"    <testcase{_attributes({'classname': device.name, 'name': 'device', 'time': '0'})}>\n"
        yield f"      <skipped{_attributes({'message': why})}>{_content(device.remedy)}</skipped>\n"
        yield "    </testcase>\n  </testsuite>\n"
    yield "</testsuites>\n"


def _suite(
    number: int, place: tuple[str, str, str], entries: Sequence[Entry], started: str, about: Mapping[str, str]
) -> Iterator[str]:
    device, cluster, cache = place
    head = {
        "name": f"{device}, CPUs {cluster}, {cache}",
        "id": str(number),
        "timestamp": started,
        "hostname": device,
        **_counts(Counter(entry.outcome for entry in entries), _seconds(entries)),
    }
    yield f"  <testsuite{_attributes(head)}>\n{_properties(about, '    ')}"
    for entry in entries:
        yield from _case(entry, ".".join(each.replace(".", "_") for each in place))
    yield "  </testsuite>\n"


def _case(entry: Entry, classname: str) -> Iterator[str]:
    head = {"classname": classname, "name": entry.name, "time": _decimal(_seconds([entry]))}
    yield f"    <testcase{_attributes(head)}>\n{_properties(entry.columns, '      ')}"
    element = _ELEMENTS.get(entry.outcome)
    if element:
        attributes = {"message": entry.words} | ({} if element == "skipped" else {"type": entry.status})
        yield f"      <{element}{_attributes(attributes)}/>\n"
    yield f"      <system-out>{_content(entry.words)}</system-out>\n    </testcase>\n"


def _counts(outcomes: Mapping[Outcome, int], seconds: float) -> dict[str, str]:
    found = {name: str(outcomes.get(outcome, 0)) for name, outcome in _COUNTED.items()}
    return {"tests": str(sum(outcomes.values())), **found, "time": _decimal(seconds)}


def _seconds(entries: Sequence[Entry]) -> float:
    return sum(entry.time.value for entry in entries if entry.time) / 1e9


def _decimal(seconds: float) -> str:
    return f"{seconds:.12f}".rstrip("0").rstrip(".")


def _properties(values: Mapping[str, str], indent: str) -> str:
    """Those that are known; nothing where none is."""
    lines = [f"{indent}  <property{_attributes({'name': k, 'value': v})}/>\n" for k, v in values.items() if v]
    return f"{indent}<properties>\n{''.join(lines)}{indent}</properties>\n" if lines else ""


def _content(text: str) -> str:
    from xml.sax.saxutils import escape  # noqa: PLC0415  loads ssl, and every report loads this module

    return escape(plain(text))


def _attributes(values: Mapping[str, str]) -> str:
    from xml.sax.saxutils import quoteattr  # noqa: PLC0415  as above

    return "".join(f" {name}={quoteattr(plain(value))}" for name, value in values.items())
