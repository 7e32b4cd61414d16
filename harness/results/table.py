"""A table of texts, as every export takes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """Rows by column; ``numbers``: the columns that hold numbers."""

    name: str
    columns: Sequence[str]
    rows: Iterable[Mapping[str, str]]
    numbers: frozenset[str] = frozenset()
