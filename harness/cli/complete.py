"""What a shell offers for the value of an option or argument. Each imports what it needs when it is asked.

Where nothing is offered the shell goes on with names of files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

Complete = Callable[[str], list[str]]


def suites(incomplete: str) -> list[str]:
    """Shipped suites."""
    from harness.model.suite import list_suites  # noqa: PLC0415

    return _beginning(incomplete, list_suites())


def policies(incomplete: str) -> list[str]:
    """Shipped policies."""
    from harness.model.policy import list_policies  # noqa: PLC0415

    return _beginning(incomplete, list_policies())


def conditions(incomplete: str) -> list[str]:
    """Conditions that --allow may name."""
    from harness.model.condition import can_be_allowed  # noqa: PLC0415

    return _beginning(incomplete, can_be_allowed())


def models(incomplete: str) -> list[str]:
    """Device models that virtual phones are made of."""
    from harness.model import catalog  # noqa: PLC0415

    return _beginning(incomplete, catalog.names("devices"))


def comparators(incomplete: str) -> list[str]:
    """Other libraries to measure beside ours."""
    from harness.comparators.table import every  # noqa: PLC0415

    return _beginning(incomplete, [each.name for each in every()])


def faults(incomplete: str) -> list[str]:
    """Faults of virtual phones by their names."""
    from harness.lab.faults import FAULTS  # noqa: PLC0415

    return _beginning(incomplete, ("clear", *FAULTS))


def runs(incomplete: str) -> list[str]:
    """Run directories in the folder that is being named, and those in ./runs by default."""
    begun = Path(incomplete)
    folder = begun if incomplete.endswith("/") else begun.parent
    folders = (folder, Path("runs")) if not incomplete else (folder,)
    found = (path.parent for each in folders for path in each.glob("*/manifest.json"))
    return _beginning(incomplete, sorted(map(str, found)))


@cache
def one_of(*names: str) -> Complete:
    """Names that stand here."""
    return lambda incomplete: _beginning(incomplete, names)


@cache
def listed(*names: str) -> Complete:
    """A list with commas between those names."""

    def complete(incomplete: str) -> list[str]:
        before, comma, last = incomplete.rpartition(",")
        left = (name for name in names if name not in before.split(","))
        return [f"{before}{comma}{name}" for name in _beginning(last, left)]

    return complete


def _beginning(incomplete: str, names: Iterable[str]) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]
