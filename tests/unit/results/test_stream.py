"""One run of records as the report reads it: what is missing, what is too many, and at what cost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from harness.results.stream import Stream
from harness.store import records

pytestmark = pytest.mark.unit


class Counted(list[Any]):
    """A list that counts how many of its items were looked at."""

    looks = 0

    def __iter__(self) -> Iterator[Any]:
        for item in super().__iter__():
            self.looks += 1
            yield item


def stream(numbers: list[int], counted: int | None) -> tuple[Stream, Counted]:
    """Records with these numbers behind header 0; ``counted``: the end record's count, None for a run without end."""
    job: Any = records.Job
    header: Any = records.Header  # of their fields only the number matters here
    items = Counted(job.model_construct(type="job", seq=number) for number in numbers)
    if counted is not None:
        items.append(records.End(type="end", seq=counted - 1, records=counted, reason="done"))
    return Stream(header.model_construct(type="header", seq=0), items), items


@pytest.mark.parametrize(
    ("numbers", "counted", "gaps", "surplus"),
    [
        ([1, 2, 3], 5, [], 0),
        ([1, 2, 3], None, [], 0),
        ([1, 3], 6, [(2, 2), (4, 4)], 0),
        ([1, 2, 2, 3], 5, [], 1),
        ([1, 2, 3, 9], 5, [(5, 8)], 1),
        ([2, 2], None, [(1, 1)], 1),
    ],
)
def test_lines_that_are_missing_and_too_many(
    numbers: list[int], counted: int | None, gaps: list[tuple[int, int]], surplus: int
) -> None:
    found, _ = stream(numbers, counted)
    assert (found.gaps, found.surplus) == (gaps, surplus)


@pytest.mark.parametrize("what", ["gaps", "surplus", "end"])
def test_twice_the_records_are_twice_the_work(what: str) -> None:
    looks = []
    for size in (500, 1000):
        found, items = stream(list(range(1, size)), size + 1)
        getattr(found, what)
        looks.append(items.looks)
    assert looks[1] <= 2.1 * looks[0]


def test_samples_are_no_items() -> None:
    found, _ = stream([1, 2], None)
    assert (len(found), len(found.samples)) == (3, 0)
