"""What can go wrong with a virtual phone, on purpose: the table of kinds, and faults as they are asked for.

grammar     NAME[=VALUE][@WHEN]          kind      help, values, what begins and ends it
connection, commands, programs, storage, heat, cpus, power, whole   the kinds, by noun
active      those that are on, in the phone's supervisor            traffic   what its adbd does to its streams
thermal_model, load, files               what kinds share
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.errors import UsageError
from harness.lab.faults import commands, connection, cpus, grammar, heat, power, programs, storage, whole
from harness.lab.faults.grammar import When
from harness.lab.faults.kind import Kind

FAULTS: dict[str, Kind[Any]] = {
    **connection.KINDS,
    **commands.KINDS,
    **programs.KINDS,
    **storage.KINDS,
    **heat.KINDS,
    **cpus.KINDS,
    **power.KINDS,
    **whole.KINDS,
}


@dataclass(frozen=True)
class Fault:
    """A fault that was asked for; ``text`` is how."""

    text: str
    name: str
    value: Any
    when: When

    @property
    def kind(self) -> Kind[Any]:
        """Its row of the table."""
        return FAULTS[self.name]


def parse(text: str) -> Fault:
    """Reads NAME[=VALUE][@WHEN]. Raises UsageError that says what there is."""
    words = grammar.split(text)
    kind = FAULTS.get(words.name)
    if kind is None:
        raise UsageError(f"no fault is called {words.name!r}", f"There are: {', '.join(sorted(FAULTS))}.")
    given = kind.value.default if words.value is None else words.value
    if given is None:
        raise UsageError(f"fault {text!r} needs a value: {form(words.name)}", kind.help)
    try:
        value = kind.value.read(given)
    except ValueError as error:
        raise UsageError(f"fault {text!r}: {given!r} is no value of {words.name}: {error}", kind.help) from None
    _check(text, kind, words.when)
    return Fault(text, words.name, value, words.when)


def _check(text: str, kind: Kind[Any], when: When) -> None:
    if when.on and not kind.of_commands:
        raise UsageError(f"fault {text!r}: on:TEXT is for faults of commands", f"Those are: {_named('of_commands')}.")
    if when.times and not (kind.of_commands or kind.at_once):
        said = f"Those are: {_named('of_commands')}, {_named('at_once')}."
        raise UsageError(f"fault {text!r}: times:N is for what happens to commands or is over at once", said)
    if when.for_s and kind.at_once:
        raise UsageError(f"fault {text!r}: it is over at once", "Leave for:S away.")


def _named(flag: str) -> str:
    return ", ".join(name for name, kind in FAULTS.items() if getattr(kind, flag))


def form(name: str) -> str:
    """NAME=VALUE as the table shows it."""
    value = FAULTS[name].value
    if not value.form:
        return name
    return f"{name}={value.form}" if value.default is None else f"{name}[={value.form}]"
