"""The form of every command: a dataclass whose fields are its options, and which gives an Outcome when it is called."""

from __future__ import annotations

import inspect
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from typing import Annotated, Any, ClassVar, get_type_hints

import typer

from harness.cli.commands import EXIT_CODES, section, wrapped
from harness.cli.outcome import Outcome
from harness.cli.say import remarks
from harness.cli.signals import deadline
from harness.errors import UsageError
from harness.exit_codes import ExitCode

Examples = Sequence[tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class Command(ABC):
    """A command with its options as given; groups of options that several have stand in harness.cli.options.

    ``codes``: the exit codes that it may end with, each in words of its own or (empty) in those of all commands.
    ``examples``: command lines, each with what it is for.
    """

    codes: ClassVar[Mapping[ExitCode, str]] = {}
    examples: ClassVar[Examples] = ()

    as_json: Annotated[
        bool,
        typer.Option("--json", help="The result, or the error, as one object of JSON on stdout (docs/json.md)."),
    ] = False
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Nothing on stderr, unless it ends with another code than 0.")
    ] = False
    timeout: Annotated[
        float | None,
        typer.Option("--timeout", metavar="S", help="Seconds after which it ends in order, with exit code 3."),
    ] = None

    @abstractmethod
    def __call__(self) -> Outcome:
        """Does it. Raises HarnessError."""

    def end(self) -> None:  # noqa: B027  most take nothing
        """Gives back what the command took, however it ended; --timeout does not cut it off. Raises no HarnessError."""


OWN = ""  # among the commands of a group: the group's own one, for a line that names none of the others

_COMMON = {field.name for field in fields(Command)}
_ALWAYS = (ExitCode.DONE, ExitCode.USAGE, ExitCode.INFRASTRUCTURE, ExitCode.INTERRUPTED)  # of every command


def as_function(command: type[Command], name: str) -> Callable[..., ExitCode]:
    """The command as typer wants it: a function with a parameter for each field. It prints the outcome.

    ``name``: what --json calls it: ``lab up``.
    """

    def perform(**given: Any) -> ExitCode:
        _refuse_infinite(given)
        asked = command(**given)
        with remarks(held=asked.quiet) as held:
            try:
                with deadline(asked.timeout):
                    outcome = asked()
            finally:
                asked.end()
            if outcome.code == ExitCode.DONE:
                held.drop()
        return outcome.show(name, as_json=asked.as_json)

    hints = get_type_hints(command, include_extras=True)
    parameters = [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.default is MISSING else field.default,
            annotation=hints[field.name],
        )
        for field in sorted(fields(command), key=lambda field: field.name in _COMMON)  # what is its own comes first
    ]
    perform.__doc__ = command.__doc__
    perform.__signature__ = inspect.Signature(parameters, return_annotation=ExitCode)  # type: ignore[attr-defined]
    return perform


def _refuse_infinite(given: Mapping[str, Any]) -> None:
    """Raises UsageError for a number of seconds that is none: ranges of typer let NaN pass."""
    for name, value in given.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise UsageError(f"--{name.replace('_', '-')} {value}: not a number of seconds", "write it as in 90 or 2.5")


def epilog(*commands: type[Command]) -> str:
    """What stands below the options in --help of a command, or of a group of them: exit codes and examples."""
    codes: dict[ExitCode, str] = dict.fromkeys(_ALWAYS, "")
    for command in commands:
        codes |= {code: words if len(commands) == 1 else "" for code, words in command.codes.items()}
    told = {str(int(code)): codes[code] or EXIT_CODES[code] for code in sorted(codes)}
    examples = [example for command in commands for example in command.examples]
    lines = [*section("Exit codes", told), "", "Examples:"]
    for line, words in examples:
        lines += [f"  {line}", *wrapped(words, "      ", "      ")]
    return "\n".join(lines)
