"""The custom array of github-action-benchmark, for ``tool: customSmallerIsBetter``.

Its src/extract.ts reads an array of name, value, unit, and the texts range and extra; an empty array is an error there.
Results without a time that can be believed are left out: the action would draw them as a value.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.export.subject import Subject
from harness.export.text import as_json


def text(subject: Subject) -> Iterator[str]:
    """The file in parts."""
    yield "["
    separator = "\n"
    for entry in subject.measured:
        time = entry.time
        if time is None:
            continue
        value = {"name": entry.full_name, "value": time.value, "unit": "ns"}
        if time.low is not None and time.high is not None:
            value["range"] = f"± {max(time.high - time.value, time.value - time.low):.6g}"
        value["extra"] = "\n".join([*entry.words.split("; "), f"build {entry.build}"])
        yield f"{separator}  {as_json(value)}"
        separator = ",\n"
    yield "\n]\n"
