"""``harness lab``: virtual phones to try the tool on."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any, ClassVar

import typer

from harness.cli import complete
from harness.cli.command import Command, Examples
from harness.cli.outcome import Outcome
from harness.cli.say import say
from harness.errors import UsageError
from harness.exit_codes import ExitCode
from harness.lab import manager, rehearsal
from harness.lab.faults import FAULTS, form, parse
from harness.lab.manager import PhoneHandle

_CODES: Mapping[ExitCode, str] = {ExitCode.INFRASTRUCTURE: "this host cannot run phones, or there is no such phone"}


@dataclass(frozen=True, kw_only=True)
class Up(Command):
    """Start virtual phones; returns when they have booted."""

    codes: ClassVar[Mapping[ExitCode, str]] = _CODES
    examples: ClassVar[Examples] = (("harness lab up pixel-3 galaxy-s8", "two phones, on addresses of this host"),)

    models: Annotated[
        list[str],
        typer.Argument(metavar="MODEL", help="Such as pixel-3 galaxy-s8.", autocompletion=complete.models),
    ]

    def __call__(self) -> Outcome:
        phones = manager.up(self.models, say=say)
        return _phones(phones)


@dataclass(frozen=True, kw_only=True)
class Down(Command):
    """Stop virtual phones and remove all that is theirs."""

    codes: ClassVar[Mapping[ExitCode, str]] = _CODES
    examples: ClassVar[Examples] = (("harness lab down", "all of them"),)

    serials: Annotated[list[str] | None, typer.Argument(metavar="SERIAL", help="Default: all of them.")] = None

    def __call__(self) -> Outcome:
        ended = manager.down(self.serials)
        if not ended:
            say("no virtual phone is up")
        return Outcome(lines=tuple(f"{serial}  down" for serial in ended), value={"down": ended})


@dataclass(frozen=True, kw_only=True)
class List(Command):
    """List the virtual phones that are up."""

    examples: ClassVar[Examples] = (("harness lab list", "serials and models"),)

    def __call__(self) -> Outcome:
        phones = manager.list_phones()
        if not phones:
            say("no virtual phone is up; start one: harness lab up MODEL (see: harness lab up --help)")
        return _phones(phones)


def _phones(phones: Sequence[PhoneHandle]) -> Outcome:
    value = {"phones": [{"serial": phone.serial, "model": phone.model} for phone in phones]}
    return Outcome(lines=tuple(f"{phone.serial}  {phone.model}" for phone in phones), value=value)


@dataclass(frozen=True, kw_only=True)
class Fault(Command):
    """Rehearse what can go wrong: put faults on a virtual phone, list those that are on, or end them (clear).

    FAULT is NAME[=VALUE][@WHEN[,WHEN]...], for example cut@after:4096, settings=refused, state=offline@in:2,for:5,
    reboot@at:convbench. WHEN: in:SECONDS, at:TEXT (before the first command that holds TEXT), after:BYTES (gone to
    the host), for:SECONDS (how long), on:TEXT (only commands that hold TEXT), times:N.
    """

    codes: ClassVar[Mapping[ExitCode, str]] = _CODES
    examples: ClassVar[Examples] = (
        ("harness lab fault --list", "all faults, their values and what they do"),
        ("harness lab fault 127.0.0.1:6000 battery=5", "from now on"),
        ("harness lab fault 127.0.0.1:6000 cut@after:4096,times:2", "the link breaks twice"),
        ("harness lab fault 127.0.0.1:6000 clear", "end all of them"),
    )

    phone: Annotated[str, typer.Argument(metavar="PHONE", help="Its serial, as harness lab list shows it.")] = ""
    faults: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FAULT",
            help="Such as battery=5. Default: list those that are on; clear: end all.",
            autocompletion=complete.faults,
        ),
    ] = None
    table: Annotated[bool, typer.Option("--list", help="Show all faults with their values and what they do.")] = False

    def __call__(self) -> Outcome:
        if self.table:
            every = [{"fault": form(name), "does": kind.help} for name, kind in FAULTS.items()]
            return Outcome(lines=tuple(_table()), value={"faults": every})
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
        lines = tuple(f"{one.fault}  {'on' if one.on else 'waits'}" for one in done.faults)
        value: dict[str, Any] = {
            "phone": phone.serial,
            "serials": list(done.serials),
            "faults": [asdict(one) for one in done.faults],
        }
        return Outcome(lines=lines, value=value)


def _table() -> Iterator[str]:
    for name, kind in FAULTS.items():
        yield form(name)
        yield from textwrap.wrap(kind.help, 116, initial_indent="    ", subsequent_indent="    ")


COMMAND = {"up": Up, "down": Down, "list": List, "fault": Fault}
