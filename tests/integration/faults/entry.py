"""One line of the matrix: a fault, how it comes about, and what a run must make of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.integration.faults.rehearsed import Rehearsed

ALL, SOME, NONE = "all", "some", "none"
PUT_BACK, BY_RESTORE, BY_RESUME, UNTOUCHED = "put back", "by `restore`", "by `--resume`", "untouched"


@dataclass(frozen=True)
class Entry:
    """What is done to a run of two variants of one layer on one cluster, and what is right then.

    ``before`` and ``during`` are faults, put on before the command and once samples are on record; ``act`` is done
    then by the host. ``says`` is a regular expression over stderr and stdout. ``conditions`` are numbers in field.py.
    """

    name: str
    how: str
    code: int
    says: str = ""
    records: str | tuple[str, ...] = ALL
    settings: str | tuple[str, ...] = PUT_BACK
    before: tuple[str, ...] = ()
    during: tuple[str, ...] = ()
    prepare: Callable[[Rehearsed], Any] | None = None  # done by the host before the command
    act: Callable[[Rehearsed], Any] | None = None
    resume: int | None = None  # exit code of --resume once the fault is over
    stays: bool = False  # the faults are still on then
    long: bool = False  # the run lasts some seconds, so that something can happen in it
    clusters: str = "4-7"
    conditions: str = ""
    quick: bool = False  # in `make test` too: no other test of it shows the same
    rounds: int = 40  # of a run in which something happens
    policy: Mapping[str, object] = field(default_factory=dict)  # what else the run's policy says

    @property
    def rows(self) -> tuple[int, ...]:
        """The conditions of field.py that it tries."""
        return tuple(int(row) for row in self.conditions.split(",") if row)

    @property
    def lasts(self) -> bool:
        """Whether something happens while it measures."""
        return self.long or bool(self.during) or self.act is not None


def any_of(value: str | tuple[str, ...]) -> tuple[str, ...]:
    """The values that are right."""
    return (value,) if isinstance(value, str) else value
