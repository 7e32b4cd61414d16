"""records.jsonl read once: one Stream for each run of convbench in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from harness.judge import lines
from harness.results.samples import Samples, Values, doubtful, values_of, values_of_record
from harness.store import records

R = TypeVar("R", bound=records.Record)


@dataclass
class Stream:
    """One run of convbench: its header, its samples, and the other records after it (``items``)."""

    header: records.Header
    items: list[records.Record] = field(default_factory=list)
    samples: Samples = field(default_factory=Samples)

    def of(self, kind: type[R]) -> Iterator[R]:
        """The records of one type, in order; not of samples, which are in ``samples``."""
        if kind is records.Sample:
            raise TypeError("samples are columns: Stream.samples")
        return (record for record in self.items if isinstance(record, kind))

    def __len__(self) -> int:
        """The number of records, header included."""
        return 1 + len(self.items) + len(self.samples)

    @property
    def end(self) -> records.End | None:
        """The end record; None where this run of records is not complete."""
        return next(self.of(records.End), None)

    @property
    def gaps(self) -> list[tuple[int, int]]:
        """First and last number of each stretch of lines that are missing, by ``seq`` and the end's count."""
        return lines.gaps(self._numbers(), self._counted())

    @property
    def surplus(self) -> int:
        """How many lines there are beyond those that ``seq`` and the end's count allow."""
        return lines.surplus(self._numbers(), self._counted())

    def _numbers(self) -> list[int]:
        return [self.header.seq, *(record.seq for record in self.items), *self.samples.column("seq")]

    def _counted(self) -> int | None:
        end = self.end
        return None if end is None else end.records


def read_records(path: Path) -> tuple[list[Stream], list[str]]:
    """The runs of records in records.jsonl, and what could not be read of it: a cut last line, damaged lines."""
    try:
        data = path.read_bytes()
    except OSError:
        return [], []
    text = data.split(b"\n")
    reader = _Reader()
    for number, line in enumerate(text[:-1], start=1):
        reader.take(number, line)
    reader.end_stream()
    faults = [f"line {number} of records.jsonl {what}" for number, what in sorted(reader.faults)]
    if text[-1]:
        faults.insert(0, f"the last line of records.jsonl was cut after {len(text[-1])} bytes and is ignored")
    return reader.streams, faults


class _Reader:
    """Takes line by line. Samples are looked at together at the end of their stream, column by column."""

    def __init__(self) -> None:
        self.streams: list[Stream] = []
        self.faults: list[tuple[int, str]] = []  # the line's number, and what is wrong with it
        self._rows: list[Values] = []
        self._lines: list[tuple[int, bytes]] = []  # of the rows

    def take(self, number: int, line: bytes) -> None:
        """The next line."""
        if self.streams and (values := values_of(line)) is not None:
            self._rows.append(values)
            self._lines.append((number, line))
        elif line.strip() and (record := self._record(number, line)) is not None:
            self._add(number, line, record)

    def _record(self, number: int, line: bytes) -> records.Record | None:
        try:
            return records.parse_record(line)
        except ValueError:
            self.faults.append((number, "is no record and is ignored"))
            return None

    def _add(self, number: int, line: bytes, record: records.Record) -> None:
        if isinstance(record, records.Header):
            self.end_stream()
            self.streams.append(Stream(record))
        elif not self.streams:
            self.faults.append((number, "stands before any header and is ignored"))
        elif isinstance(record, records.Sample):
            self._rows.append(values_of_record(record))
            self._lines.append((number, line))
        else:
            self.streams[-1].items.append(record)

    def end_stream(self) -> None:
        """Gives the last stream its samples."""
        refused: set[int] = set()
        for place in doubtful(self._rows):
            number, line = self._lines[place]
            record = self._record(number, line)
            if isinstance(record, records.Sample):
                self._rows[place] = values_of_record(record)
            else:
                refused.add(place)
        if self.streams:
            rows = (
                [values for place, values in enumerate(self._rows) if place not in refused] if refused else self._rows
            )
            self.streams[-1].samples = Samples(rows)
        self._rows, self._lines = [], []
