"""Which comparators can take part in a run: found, built anew where sources changed, or why not."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.comparators import building, environment, places
from harness.comparators.fetching import is_fetched
from harness.comparators.table import Library, Named, named
from harness.errors import HarnessError, UsageError
from harness.model.comparator import NOWHERE, Comparator, Compared
from harness.model.wording import shown

Say = Callable[[str], None]


@dataclass(frozen=True)
class State:
    """Of a comparator on an ABI. ``command``: what makes it ready; empty where it is."""

    fetched: bool
    built: bool
    command: str
    version: str
    bytes: int  # program and files; of one that is not built about, 0: unknown
    record: dict[str, Any] | None = None  # of the worker


def state(each: Named, abi: str) -> State:
    """What is there of it. Pure, but for looking at the disk."""
    library, machine = each.library, each.library.machine(abi)
    if machine is None:
        raise ValueError(f"{each.name} is not to be had for {abi}")
    fetch = f"harness comparators fetch {each.name} --abi {abi}"
    if library.is_python:
        made = environment.is_made(library)
        return State(made, made, "" if made else fetch, library.version, 0)
    own = building.read_own(library, abi) is not None
    fetched, record = own or is_fetched(library, machine), building.record_of(library, abi)
    missing = "" if record is not None or own else building.lacking_compiler(library, machine)
    command = "" if fetched and record else f"{missing} && {fetch}" if missing else fetch
    size = int(record["bytes"]) if record else library.pushed_bytes.get(machine, 0)
    version = str(record["version"]) if record else library.version
    return State(fetched, record is not None, command, version, size, record)


def make_ready(library: Library, abi: str, say: Say) -> None:
    """Builds it of what was fetched. Raises InfrastructureError, UsageError."""
    machine = library.machine(abi)
    if machine is not None and not library.is_python and building.record_of(library, abi) is None:
        building.build(library, abi, machine, say)


def asked(names: Sequence[str], taken: Collection[str], say: Say) -> tuple[Comparator, ...]:
    """The values of ``--comparator``. One that is not there has the command that fetches it as its reason.

    ``taken``: names of workers. Raises UsageError.
    """
    for index, name in enumerate(names):
        if name in names[:index] or name in taken:
            raise UsageError(f"--comparator: {shown(name)} is given twice", "Leave one out, or rename the worker.")
    return tuple(_comparator(named(name, "--comparator"), say) for name in names)


def _comparator(each: Named, say: Say) -> Comparator:
    library = each.library
    by_abi = {abi: _on(each, abi, say) for abi in library.abis}
    return Comparator(name=each.name, version=library.version, licence=library.licence, by_abi=by_abi)


def _on(each: Named, abi: str, say: Say) -> Compared:
    library, now = each.library, state(each, abi)
    if library.is_python and now.built:
        program = environment.program(library, each.name)
        return Compared(name=each.name, program=program, home=each.name)
    if now.fetched and not now.built:
        try:
            make_ready(library, abi, say)
            now = state(each, abi)
        except HarnessError as error:
            return _absent(each, f"{error.message}; {error.remedy}")
    if now.command or now.record is None:
        return _absent(each, f"{each.name} is not fetched for {abi}: {now.command}")
    return Compared(name=each.name, home=library.library, **_files(library, abi, now.record))


def _files(library: Library, abi: str, record: dict[str, Any]) -> dict[str, Any]:
    folder: Path = places.built(library, abi)
    program = str(record["program"])
    names = [name for name in record["sha256"] if name != program]
    return {"program": folder / program, "files": tuple(folder / name for name in names)}


def _absent(each: Named, why: str) -> Compared:
    return Compared(name=each.name, program=NOWHERE, home=each.library.library, lack=why)
