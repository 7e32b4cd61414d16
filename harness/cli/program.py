"""The command line beyond the list of commands: finds and calls one; errors as one message, exit codes."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from harness import __version__
from harness.cli.command import as_function
from harness.cli.commands import HELP_OPTIONS, SUMMARIES, overview
from harness.cli.say import say
from harness.cli.signals import Interrupted, interrupt_on_signal
from harness.errors import HarnessError, UsageError
from harness.exit_codes import ExitCode

_FORM: dict[str, Any] = {
    "add_completion": False,
    "pretty_exceptions_enable": False,
    "rich_markup_mode": None,  # rich takes longer to load than most commands take
    "context_settings": {"help_option_names": list(HELP_OPTIONS), "max_content_width": 110},
}


class Commands(Mapping[str, Any]):
    """The commands of SUMMARIES by name, each imported when it is asked for."""

    def __getitem__(self, name: str) -> Any:
        if name not in SUMMARIES:
            raise KeyError(name)
        return _load(name)

    def __iter__(self) -> Iterator[str]:
        return iter(SUMMARIES)

    def __len__(self) -> int:
        return len(SUMMARIES)


class Root(TyperGroup):
    """``harness`` itself."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands = Commands()  # type: ignore[assignment]  # it is only read

    def get_help(self, ctx: Any) -> str:
        return overview()


def _load(name: str) -> Any:
    """A command by its name, or a group of them where its module has several."""
    commands = import_module(f"harness.cli.{name}").COMMAND
    app = typer.Typer(name=name, help=SUMMARIES[name], **_FORM)
    if isinstance(commands, dict):
        for sub, command in commands.items():
            app.command(sub)(as_function(command))
    else:
        app.command(name, help=SUMMARIES[name])(as_function(commands))
    return typer.main.get_command(app)


def _version(value: bool) -> None:
    if value:
        print(__version__)
        raise typer.Exit


def _root(version: bool = typer.Option(False, "--version", callback=_version, is_eager=True)) -> None:
    pass


def perform(argv: Sequence[str]) -> ExitCode:
    """Calls the command that ``argv`` names. Raises HarnessError, and UsageError for what is no command line."""
    app = typer.Typer(name="harness", cls=Root, **_FORM)
    app.callback()(_root)
    try:
        return ExitCode(app(list(argv), prog_name="harness", standalone_mode=False) or ExitCode.DONE)
    except typer.TyperException as error:  # an unknown command or option, a value of the wrong type
        context = getattr(error, "ctx", None)
        path = context.command_path if context else "harness"
        raise UsageError(error.format_message(), f"see: {path} --help") from error
    except typer.Abort as error:
        raise Interrupted from error


def run(argv: Sequence[str]) -> ExitCode:
    """``perform`` with every failure as one message on stderr; its exit code (docs/formats.md)."""
    interrupt_on_signal()
    try:
        if not argv:
            print(overview())
        code = perform(argv) if argv else ExitCode.USAGE
        sys.stdout.flush()
    except HarnessError as error:
        say(f"harness: {error}")
        code = error.exit_code
    except (Interrupted, KeyboardInterrupt):
        say("harness: interrupted")
        code = ExitCode.INTERRUPTED
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        say(f"harness: {where}{error.strerror or error}\n  free some space, or mend the permissions")
        code = _no_output()
    except SystemExit:  # how typer tells that the reader of our output went away
        code = _no_output()
    except Exception:
        traceback.print_exc()
        say("harness: this is a fault of the tool, please report it with the lines above")
        code = ExitCode.INFRASTRUCTURE
    return code


def _no_output() -> ExitCode:
    """Keeps the interpreter from writing the rest of the output at its end."""
    sys.stdout = None
    return ExitCode.INFRASTRUCTURE
