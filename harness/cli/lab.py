"""``harness lab``: virtual phones to try the tool on."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import typer

from harness.cli.command import Command
from harness.cli.outcome import Outcome
from harness.cli.say import say
from harness.errors import UsageError
from harness.lab import manager, rehearsal
from harness.lab.faults import FAULTS, form, parse


@dataclass(frozen=True, kw_only=True)
class Up(Command):
    """Start virtual phones; returns when they have booted."""

    models: Annotated[list[str], typer.Argument(metavar="MODEL", help="Such as pixel-3 galaxy-s8.")]

    def __call__(self) -> Outcome:
        phones = manager.up(self.models, say=say)
        return Outcome(lines=tuple(f"{phone.serial}  {phone.model}" for phone in phones))


@dataclass(frozen=True, kw_only=True)
class Down(Command):
    """Stop virtual phones and remove all that is theirs."""

    serials: Annotated[list[str] | None, typer.Argument(metavar="SERIAL", help="Default: all of them.")] = None

    def __call__(self) -> Outcome:
        ended = manager.down(self.serials)
        if not ended:
            say("no virtual phone is up")
        return Outcome(lines=tuple(f"{serial}  down" for serial in ended))


@dataclass(frozen=True, kw_only=True)
class List(Command):
    """List the virtual phones that are up."""

    def __call__(self) -> Outcome:
        phones = manager.list_phones()
        if not phones:
            say("no virtual phone is up; start one: harness lab up MODEL (see: harness lab up --help)")
        return Outcome(lines=tuple(f"{phone.serial}  {phone.model}" for phone in phones))


@dataclass(frozen=True, kw_only=True)
class Fault(Command):
    """Rehearse what can go wrong: put faults on a virtual phone, list those that are on, or end them (clear).

    FAULT is NAME[=VALUE][@WHEN[,WHEN]...], for example cut@after:4096, settings=refused, state=offline@in:2,for:5,
    reboot@at:convbench. WHEN: in:SECONDS, at:TEXT (before the first command that holds TEXT), after:BYTES (gone to
    the host), for:SECONDS (how long), on:TEXT (only commands that hold TEXT), times:N.
    """

    phone: Annotated[str, typer.Argument(metavar="PHONE", help="Its serial, as harness lab list shows it.")] = ""
    faults: Annotated[
        list[str] | None,
        typer.Argument(metavar="FAULT", help="Such as battery=5. Default: list those that are on; clear: end all."),
    ] = None
    table: Annotated[bool, typer.Option("--list", help="Show all faults with their values and what they do.")] = False

    def __call__(self) -> Outcome:
        if self.table:
            return Outcome(lines=tuple(_table()))
        if not self.phone:
            raise UsageError("name a virtual phone", "See: harness lab list; all faults: harness lab fault --list")
        wanted = self.faults or []
        if "clear" in wanted and len(wanted) > 1:
            raise UsageError("clear stands alone", "Clear first, then ask for other faults.")
        for text in wanted:
            if text != "clear":
                parse(text)
        phone = rehearsal.find(self.phone)
        done = rehearsal.clear(phone) if wanted == ["clear"] else rehearsal.put_on(phone, *wanted)
        if not done.faults:
            say(f"{', '.join(done.serials)}: no fault is on")
        elif done.serials != (phone.serial,):
            say(f"{phone.serial} answers as {', '.join(done.serials)}")
        return Outcome(lines=tuple(f"{one.fault}  {'on' if one.on else 'waits'}" for one in done.faults))


def _table() -> Iterator[str]:
    for name, kind in FAULTS.items():
        yield form(name)
        yield from textwrap.wrap(kind.help, 116, initial_indent="    ", subsequent_indent="    ")


COMMAND = {"up": Up, "down": Down, "list": List, "fault": Fault}
