"""Bencher Metric Format: an object by benchmark, measure and value, of one device, which is Bencher's testbed.

https://bencher.dev/docs/reference/bencher-metric-format (schema https://bencher.dev/bmf.json). The measure ``latency``
is in nanoseconds, the interval gives ``lower_value`` and ``upper_value``. Results without a time that can be believed
are left out: Bencher has no word for them, and a missing benchmark raises no alert of a wrong number.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.export.subject import Subject
from harness.export.text import as_json

MEASURE = "latency"


def text(subject: Subject) -> Iterator[str]:
    """The file in parts."""
    yield "{"
    separator = "\n"
    for entry in subject.measured:
        time = entry.time
        if time is None:
            continue
        value = {"value": time.value}
        if time.low is not None and time.high is not None:
            value |= {"lower_value": time.low, "upper_value": time.high}
        yield f"{separator}  {as_json({entry.name: {MEASURE: value}})[1:-1]}"
        separator = ",\n"
    yield "\n}\n"
