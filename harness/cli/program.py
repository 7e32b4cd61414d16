"""The command line beyond the list of commands: finds and calls one; errors as one message, exit codes."""

from __future__ import annotations

import inspect
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from harness import __version__
from harness.cli.command import OWN, as_function, epilog
from harness.cli.commands import HELP_OPTIONS, SUMMARIES, overview
from harness.cli.outcome import failure
from harness.cli.say import result_json, say
from harness.cli.signals import Interrupted, TimedOut, interrupt_on_signal
from harness.errors import HarnessError, UsageError
from harness.exit_codes import ExitCode

COMPLETION_VARIABLE = "_HARNESS_COMPLETE"  # set by the shell that wants to complete a line
_FORM: dict[str, Any] = {
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

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Names of commands by SUMMARIES alone: nothing is imported while somebody waits for a completion."""
        from typer._click.shell_completion import CompletionItem  # noqa: PLC0415  typer has no public name for it

        found = [CompletionItem(name, help=SUMMARIES[name]) for name in SUMMARIES if name.startswith(incomplete)]
        return found or super(TyperGroup, self).shell_complete(ctx, incomplete)


class _Plain:
    """Help whose epilog stands as it is, line by line."""

    epilog: str | None

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        if self.epilog:
            formatter.write(f"\n{self.epilog}\n")


class PlainCommand(_Plain, TyperCommand):
    """A command."""


class PlainGroup(_Plain, TyperGroup):
    """A command of several."""


def _load(name: str) -> Any:
    """A command by its name, or a group of them where its module has several."""
    commands = import_module(f"harness.cli.{name}").COMMAND
    if not isinstance(commands, dict):
        app = typer.Typer(name=name, help=SUMMARIES[name], add_completion=False, **_FORM)
        app.command(name, cls=PlainCommand, help=SUMMARIES[name], epilog=epilog(commands))(as_function(commands, name))
        return typer.main.get_command(app)
    every = epilog(*commands.values())
    app = typer.Typer(name=name, cls=PlainGroup, help=SUMMARIES[name], epilog=every, add_completion=False, **_FORM)
    if OWN in commands:
        app.callback(invoke_without_command=True)(_unless_sub(as_function(commands[OWN], name)))
    for sub, command in commands.items():
        if sub == OWN:
            continue
        app.command(sub, cls=PlainCommand, epilog=epilog(command))(as_function(command, f"{name} {sub}"))
    return typer.main.get_command(app)


def _unless_sub(perform: Callable[..., ExitCode]) -> Callable[..., ExitCode | None]:
    """A group's own command: done where no other one of the group is named."""

    def own(ctx: typer.Context, **given: Any) -> ExitCode | None:
        return None if ctx.invoked_subcommand else perform(**given)

    signature = inspect.signature(perform)
    context = inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    own.__signature__ = signature.replace(parameters=[context, *signature.parameters.values()])  # type: ignore[attr-defined]
    own.__doc__ = perform.__doc__
    return own


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


@dataclass(frozen=True)
class _Failed:
    """Why a command has no result."""

    code: ExitCode
    message: str
    remedy: str = ""

    @property
    def text(self) -> str:
        """For people."""
        return f"harness: {self.message}\n  {self.remedy}" if self.remedy else f"harness: {self.message}"


def run(argv: Sequence[str]) -> ExitCode:
    """``perform`` with every failure as one message on stderr; its exit code (docs/formats.md).

    With --json the failure is on stdout too, as an object.
    """
    interrupt_on_signal()
    completing = COMPLETION_VARIABLE in os.environ
    try:
        if not argv and not completing:
            print(overview())
        code = perform(argv) if argv or completing else ExitCode.USAGE
        sys.stdout.flush()
        return code
    except HarnessError as error:
        failed = _Failed(error.exit_code, error.message, error.remedy)
    except TimedOut:
        failed = _Failed(ExitCode.INFRASTRUCTURE, "the time of --timeout was over", "give it more time")
    except (Interrupted, KeyboardInterrupt):
        failed = _Failed(ExitCode.INTERRUPTED, "interrupted")
    except BrokenPipeError:
        return _no_output()
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        remedy = "free some space, or mend the permissions"
        failed = _Failed(ExitCode.INFRASTRUCTURE, f"{where}{error.strerror or error}", remedy)
    except SystemExit as error:  # how typer ends a completion, and tells that the reader of our output went away
        return ExitCode.DONE if not error.code else _no_output()
    except Exception as error:
        traceback.print_exc()
        remedy = "this is a fault of the tool, please report it with the lines above"
        failed = _Failed(ExitCode.INFRASTRUCTURE, f"{type(error).__name__}: {error}", remedy)
    return _told(failed, argv)


def _told(failed: _Failed, argv: Sequence[str]) -> ExitCode:
    say(failed.text)
    try:
        if "--json" in argv:
            result_json(failure(_name_in(argv), failed.code, failed.message, failed.remedy))
        sys.stdout.flush()
    except OSError:  # nobody reads it, or there is no room
        _no_output()
    return failed.code


def _name_in(argv: Sequence[str]) -> str:
    """The command that a command line calls, as far as there is one: ``lab up``."""
    words = [word for word in argv if not word.startswith("-")][:2]
    if not words or words[0] not in SUMMARIES:
        return ""
    commands = import_module(f"harness.cli.{words[0]}").COMMAND
    is_group = isinstance(commands, dict) and words[-1] in commands
    return " ".join(words) if is_group else words[0]


def _no_output() -> ExitCode:
    """Keeps the interpreter from writing the rest of the output at its end."""
    sys.stdout = None
    return ExitCode.INFRASTRUCTURE
