"""The samples of one run of convbench as columns: a hundred thousand of them are read in about a second."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import chain
from operator import itemgetter
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import NDArray
from pydantic.fields import FieldInfo
from pydantic_core import from_json

from harness.judge.sample import Evidence
from harness.store import records

ADDRESSES = tuple(records.Addresses.model_fields)  # of an item of ``addresses``
_ABSENT: Any = object()
Values = tuple[Any, ...]  # of one sample, in the order of its fields; addresses as a tuple


@dataclass(frozen=True)
class _Field:
    """What JSON values of a field are taken as they are: what else a record may hold is left to pydantic."""

    types: frozenset[type]
    one_of: frozenset[str] | None = None
    bounds: tuple[float, float] | None = None  # of a number, both included

    def takes(self, value: Any) -> bool:
        """Whether the value needs no second look."""
        return self.takes_all((value,))

    def takes_all(self, values: Sequence[Any]) -> bool:
        """Whether none of a column needs a second look."""
        types = set(map(type, values))
        if not types <= self.types:
            return False
        if self.one_of is not None:
            return set(values) <= self.one_of
        if self.bounds is None:
            return True
        numbers = values if NoneType not in types else [value for value in values if value is not None]
        low, high = self.bounds
        if float in types and any(map(math.isnan, numbers)):  # which no comparison finds
            return False
        return not numbers or (low <= min(numbers) and max(numbers) <= high)


def _field(annotation: Any, metadata: Sequence[Any] = ()) -> _Field:
    if get_origin(annotation) is Annotated:
        annotation, *metadata = get_args(annotation)
    if annotation in (int, float):
        return _Field(frozenset({int, annotation}), None, _bounds(metadata))
    if annotation in (bool, str):
        return _Field(frozenset({annotation}))
    if get_origin(annotation) is Literal:
        return _Field(frozenset({str}), frozenset(get_args(annotation)))
    if get_origin(annotation) in (Union, UnionType) and NoneType in get_args(annotation):
        (inner,) = (each for each in get_args(annotation) if each is not NoneType)
        found = _field(inner)
        return _Field(found.types | {NoneType}, None, found.bounds) if found.one_of is None else _Field(frozenset())
    return _Field(frozenset())


def _bounds(metadata: Sequence[Any]) -> tuple[float, float]:
    constraints = [part for each in metadata for part in (each.metadata if isinstance(each, FieldInfo) else [each])]
    (low,) = (each.ge for each in constraints if isinstance(each, Ge))
    (high,) = (each.le for each in constraints if isinstance(each, Le))
    return low, high  # type: ignore[return-value]  # of numbers, what compares is one


_MODEL = records.Sample.model_fields
_NAMES = tuple(_MODEL)
_DEFAULTS = tuple(_ABSENT if field.is_required() else field.default for field in _MODEL.values())
_FIELDS = tuple(_field(field.annotation, field.metadata) for field in _MODEL.values())
_PLACES = {name: n for n, name in enumerate(_NAMES)}
_every = itemgetter(*_NAMES)
_every_address = itemgetter(*ADDRESSES)
_WHERE = _PLACES["addresses"]
_NOWHERE = ("",) * len(ADDRESSES)
_NONE_OF_THEM = dict(zip(ADDRESSES, _NOWHERE, strict=True))
_COUNTED = ("count_error", "cycles", "instructions", "refills")  # absent where nothing was counted
_NOTHING_COUNTED = dict.fromkeys(_COUNTED)


def values_of(line: bytes) -> Values | None:
    """The values of a sample's line, not yet looked at; None for another record, or what is no JSON."""
    if b'"sample"' not in line:
        return None
    try:
        value = from_json(line)  # what pydantic parses with, in half the time of json.loads
    except ValueError:
        return None
    if type(value) is not dict or value.get("type") != "sample":
        return None
    addresses = value.get("addresses", _NONE_OF_THEM)
    if type(addresses) is not dict:
        return None
    try:
        value["addresses"] = _every_address(addresses)
    except KeyError:
        value["addresses"] = tuple(map(addresses.get, ADDRESSES, _NOWHERE))
    if "count_error" not in value:
        value.update(_NOTHING_COUNTED)
    if len(value) >= len(_NAMES):
        try:
            values: Values = _every(value)  # twice as fast
            return values
        except KeyError:
            pass
    return tuple(map(value.get, _NAMES, _DEFAULTS))


def values_of_record(sample: records.Sample) -> Values:
    """The values of a sample that pydantic read."""
    found = [getattr(sample, name) for name in _NAMES]
    found[_WHERE] = tuple(getattr(sample.addresses, name) for name in ADDRESSES)
    return tuple(found)


def columns_of(rows: Sequence[Values]) -> list[Sequence[Any]]:
    """One column for each field."""
    return list(zip(*rows, strict=True)) if rows else [()] * len(_NAMES)


def doubtful(columns: Sequence[Sequence[Any]]) -> list[int]:
    """Which samples, as ``values_of`` made them, hold a value that is not plainly of its field's type."""
    bad: set[int] = set()
    for name, field, column in zip(_NAMES, _FIELDS, columns, strict=True):
        if name == "addresses":
            if not set(map(type, chain.from_iterable(column))) <= {str}:
                bad.update(n for n, texts in enumerate(column) if set(map(type, texts)) != {str})
        elif not field.takes_all(column):
            bad.update(n for n, value in enumerate(column) if not field.takes(value))
    return sorted(bad)


class Samples:
    """Columns of equal length, one item a sample, in the order of the records; the fields of records.Sample."""

    def __init__(self, columns: Sequence[Sequence[Any]] | None = None) -> None:
        """``columns``, as ``columns_of`` makes them, hold valid values."""
        self._columns = columns_of(()) if columns is None else list(columns)
        self._count = len(self._columns[0])
        self._raw = set(_NAMES)  # columns that nobody asked for yet
        self._texts: dict[str, str] = {}  # a name is kept once, not once a sample

    @classmethod
    def of(cls, samples: Iterable[records.Sample]) -> Samples:
        """The columns of these records."""
        return cls(columns_of([values_of_record(sample) for sample in samples]))

    def __len__(self) -> int:
        return self._count

    def column(self, name: str) -> Sequence[Any]:
        """One field of all samples; of ``addresses`` tuples in the order of ADDRESSES."""
        place = _PLACES[name]
        if name in self._raw:
            self._raw.remove(name)
            field, column = _FIELDS[place], self._columns[place]
            if str in field.types:
                self._columns[place] = tuple(map(self._texts.setdefault, column, column))
            elif float in field.types and int in set(map(type, column)):
                self._columns[place] = tuple(None if value is None else float(value) for value in column)
        return self._columns[place]

    def zip(self, *names: str) -> Iterator[Values]:
        """These fields, sample by sample."""
        return zip(*map(self.column, names), strict=True)

    def __iter__(self) -> Iterator[records.Sample]:
        """The samples as records, for where they are few."""
        for values in self.zip(*_NAMES):
            fields = dict(zip(_NAMES, values, strict=True))
            fields["addresses"] = records.Addresses(**dict(zip(ADDRESSES, fields["addresses"], strict=True)))
            yield records.Sample.model_construct(**fields)

    @cached_property
    def evidence(self) -> Evidence:
        """What is judged of them."""
        plain = ("settle_capped", "cpu_before", "cpu_after", "repinned", "window_short", "nivcsw", "faults")
        numbers = [field.name for field in fields(Evidence) if field.name not in plain]
        return Evidence(**{name: self._known(name) for name in plain}, **{name: self._number(name) for name in numbers})

    def _known(self, name: str) -> NDArray[Any]:
        """The column; what is unknown as -1, and as False where it is a truth value."""
        column = self.column(name)
        if None in column:
            unknown = False if bool in _FIELDS[_PLACES[name]].types else -1
            return np.array([unknown if value is None else value for value in column])
        return np.asarray(column)

    def _number(self, name: str) -> NDArray[np.float64]:
        return np.array(self.column(name), dtype=np.float64)  # None is NaN
