"""The ``harness`` command. What only needs the list of commands is answered here, without what the commands import."""

from __future__ import annotations

import gc
import sys

from harness.cli.commands import HELP_OPTIONS, overview

# So many more objects, and Python looks for cycles. By its own 700 it does that hundreds of times while modules are
# imported, for a twentieth of the time of most commands.
_MORE_OBJECTS = 20_000


def main() -> None:
    """Runs the command line; ends with its exit code (docs/formats.md)."""
    if len(sys.argv) == 2 and sys.argv[1] in HELP_OPTIONS:
        print(overview())
        return
    gc.set_threshold(_MORE_OBJECTS)
    from harness.cli import program  # noqa: PLC0415  typer alone takes longer than the help

    sys.exit(program.run(sys.argv[1:]))
