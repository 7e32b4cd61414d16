"""``harness lab``: virtual phones to try the tool on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from harness.cli.command import Command
from harness.cli.outcome import Outcome
from harness.cli.say import say
from harness.lab import manager


@dataclass(frozen=True, kw_only=True)
class Up(Command):
    """Start virtual phones; returns when they have booted."""

    models: Annotated[list[str], typer.Argument(metavar="MODEL...", help="Such as pixel-3 galaxy-s8.")]

    def __call__(self) -> Outcome:
        phones = manager.up(self.models, say=say)
        return Outcome(lines=tuple(f"{phone.serial}  {phone.model}" for phone in phones))


@dataclass(frozen=True, kw_only=True)
class Down(Command):
    """Stop virtual phones and remove all that is theirs."""

    serials: Annotated[list[str] | None, typer.Argument(metavar="[SERIAL]...", help="Default: all of them.")] = None

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


COMMAND = {"up": Up, "down": Down, "list": List}
