"""records.jsonl read once: one Stream for each run of convbench in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError
from pydantic_core import from_json

from harness.judge import lines
from harness.results.samples import Samples, Values, columns_of, doubtful, values_of, values_of_record
from harness.store import records
from harness.store.system_records import State, Telemetry

Item = (  # what is no header and no sample
    records.Worker
    | records.Layer
    | records.Check
    | Telemetry
    | State
    | records.Gate
    | records.Skip
    | records.Error
    | records.Job
    | records.End
)
R = TypeVar("R", bound=Item)


@dataclass
class Stream:
    """One run of convbench: its header, its samples, and the other records after it (``items``)."""

    header: records.Header
    items: list[Item] = field(default_factory=list)
    samples: Samples = field(default_factory=Samples)

    def of(self, kind: type[R]) -> Iterator[R]:
        """The records of one type, in order; not of samples, which are in ``samples``."""
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
    lines = data.split(b"\n")
    tail = lines.pop()
    reader = _Reader(lines)
    reader.read()
    faults = [f"line {number} of records.jsonl {what}" for number, what in sorted(reader.faults)]
    if tail:
        faults.insert(0, f"the last line of records.jsonl was cut after {len(tail)} bytes and is ignored")
    return reader.streams, faults


_BOUNDS = {"greater_than_equal", "less_than_equal"}


def _refusal(error: ValidationError) -> str:
    """What a line is instead of a record: one with a number that cannot be, or none at all."""
    faults = error.errors(include_url=False, include_context=False)
    if all(fault["type"] in _BOUNDS for fault in faults):
        numbers = [f"{'.'.join(map(str, fault['loc'][1:]))}={str(fault['input'])[:24]}" for fault in faults]
        return f"holds a number that cannot be ({', '.join(numbers)})"
    return "is no record"


def _garbage(line: bytes, sample: records.Sample) -> str:
    """The evidence that was taken as unknown though the line has a value: ``mhz_before=1e+300``."""
    told = from_json(line)
    lost = [name for name in records.EVIDENCE if told.get(name) is not None and getattr(sample, name) is None]
    return ", ".join(f"{name}={str(told[name])[:24]}" for name in lost)


class _Reader:
    """Goes line by line. Samples are looked at together at the end of their stream, column by column."""

    def __init__(self, text: list[bytes]) -> None:
        self.streams: list[Stream] = []
        self.faults: list[tuple[int, str]] = []  # the line's number, and what is wrong with it
        self._text = text
        self._rows: list[Values] = []
        self._numbers: list[int] = []  # of the rows' lines

    def read(self) -> None:
        """Takes every line."""
        for number, line in enumerate(self._text, start=1):
            values = values_of(line) if self.streams else None
            if values is not None:
                self._rows.append(values)
                self._numbers.append(number)
            elif line.strip() and (record := self._record(number)) is not None:
                self._add(number, record)
        self._end_stream()

    def _record(self, number: int) -> records.Record | None:
        try:
            record = records.parse_record(self._text[number - 1])
        except ValidationError as error:
            self.faults.append((number, f"{_refusal(error)} and is ignored"))
            return None
        if isinstance(record, records.Sample) and (garbage := _garbage(self._text[number - 1], record)):
            self.faults.append((number, f"holds evidence that cannot be ({garbage}): taken as unknown"))
        return record

    def _add(self, number: int, record: records.Record) -> None:
        if isinstance(record, records.Header):
            self._end_stream()
            self.streams.append(Stream(record))
        elif not self.streams:
            self.faults.append((number, "stands before any header and is ignored"))
        elif isinstance(record, records.Sample):
            self._rows.append(values_of_record(record))
            self._numbers.append(number)
        else:
            self.streams[-1].items.append(record)

    def _end_stream(self) -> None:
        """Gives the last stream its samples."""
        rows, numbers = self._rows, self._numbers
        self._rows, self._numbers = [], []
        if not self.streams:
            return
        columns = columns_of(rows)
        doubts = doubtful(columns)
        if doubts:
            again = {place: self._record(numbers[place]) for place in doubts}
            taken = (again.get(place, values) for place, values in enumerate(rows))
            rows = [values_of_record(each) if isinstance(each, records.Sample) else each
                    for each in taken if isinstance(each, records.Sample | tuple)]  # fmt: skip
            columns = columns_of(rows)
        self.streams[-1].samples = Samples(columns)
