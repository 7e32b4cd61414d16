"""The form of every command: a dataclass whose fields are its options, and which gives an Outcome when it is called."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from typing import Any, get_type_hints

from harness.cli.options import JsonOption
from harness.cli.outcome import Outcome
from harness.exit_codes import ExitCode


@dataclass(frozen=True, kw_only=True)
class Command(ABC):
    """A command with its options as given; groups of options that several have stand in harness.cli.options."""

    @abstractmethod
    def __call__(self) -> Outcome:
        """Does it. Raises HarnessError."""


def as_function(command: type[Command]) -> Callable[..., ExitCode]:
    """The command as typer wants it: a function with a parameter for each field. It prints the outcome."""

    def perform(**given: Any) -> ExitCode:
        asked = command(**given)
        return asked().show(as_json=isinstance(asked, JsonOption) and asked.as_json)

    hints = get_type_hints(command, include_extras=True)
    parameters = [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.default is MISSING else field.default,
            annotation=hints[field.name],
        )
        for field in fields(command)
    ]
    perform.__doc__ = command.__doc__
    perform.__signature__ = inspect.Signature(parameters, return_annotation=ExitCode)  # type: ignore[attr-defined]
    return perform
