"""How every benchmark is started: options and --help by Typer, errors as one message."""

from __future__ import annotations

import sys
from collections.abc import Callable

import typer

from harness.errors import HarnessError


def start(command: Callable[..., None]) -> None:
    """Runs a command line; exits with the error's code where there is one."""
    try:
        typer.run(command)
    except HarnessError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(int(error.exit_code))
