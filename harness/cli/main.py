"""The ``harness`` command. What only needs the list of commands is answered here, without what the commands import."""

from __future__ import annotations

import sys

from harness.cli.commands import HELP_OPTIONS, overview


def main() -> None:
    """Runs the command line; ends with its exit code (docs/formats.md)."""
    if len(sys.argv) == 2 and sys.argv[1] in HELP_OPTIONS:
        print(overview())
        return
    from harness.cli import program  # noqa: PLC0415  typer alone takes longer than the help

    sys.exit(program.run(sys.argv[1:]))
