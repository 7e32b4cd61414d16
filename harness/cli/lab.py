"""``harness lab``: virtual phones to try the tool on."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.cli.say import result, say
from harness.errors import ExitCode

app = typer.Typer(help="Virtual phones: a real adb server in front, an emulated CPU behind. Needs root.")


@app.command()
def up(models: Annotated[list[str], typer.Argument(metavar="MODEL...", help="Such as pixel-3 galaxy-s8.")]) -> ExitCode:
    """Start virtual phones; returns when they have booted."""
    from harness.lab import manager  # noqa: PLC0415  adb's modules take a fifth of every command's start

    for phone in manager.up(models, say=say):
        result(f"{phone.serial}  {phone.model}")
    return ExitCode.DONE


@app.command()
def down(
    serials: Annotated[list[str] | None, typer.Argument(metavar="[SERIAL]...", help="Default: all of them.")] = None,
) -> ExitCode:
    """Stop virtual phones and remove all that is theirs."""
    from harness.lab import manager  # noqa: PLC0415

    ended = manager.down(serials)
    for serial in ended:
        result(f"{serial}  down")
    if not ended:
        say("no virtual phone is up")
    return ExitCode.DONE


@app.command("list")
def list_() -> ExitCode:
    """List the virtual phones that are up."""
    from harness.lab import manager  # noqa: PLC0415

    phones = manager.list_phones()
    for phone in phones:
        result(f"{phone.serial}  {phone.model}")
    if not phones:
        say("no virtual phone is up; start one: harness lab up MODEL (see: harness lab up --help)")
    return ExitCode.DONE
