"""``harness report RUN``: renders a run directory again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.say import result
from harness.errors import ExitCode
from harness.store.rundir import RunDir


def command(run: Annotated[Path, typer.Argument(metavar="RUN", help="A run directory.")]) -> ExitCode:
    """Render a run directory again, from its records alone; never needs a device."""
    from harness.report.writer import write_report  # noqa: PLC0415  slow to load

    directory = RunDir(run.resolve())
    directory.manifest()
    summary = write_report(directory.path)
    for line in summary.answer:
        result(line)
    result(f"report: {run / 'report.html'}")
    return ExitCode.DONE
