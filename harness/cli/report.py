"""``harness report RUN``: renders a run directory again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.command import Command
from harness.cli.options import JsonOption
from harness.cli.outcome import Outcome
from harness.report.writer import write_report
from harness.store.rundir import RunDir


@dataclass(frozen=True, kw_only=True)
class Report(JsonOption, Command):
    """Renders a run directory; the result is the report's opening sentences and its path."""

    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run directory.")]

    def __call__(self) -> Outcome:
        directory = RunDir(self.run.resolve())
        directory.manifest()
        summary = write_report(directory.path)
        value = {
            "run": str(directory.path),
            "report": str(summary.report),
            "sentences": list(summary.sentences),
            "weaknesses": list(summary.weaknesses),
            "rows": dict(summary.statuses),
        }
        return Outcome(lines=(*summary.answer, f"report: {self.run / 'report.html'}"), value=value)


COMMAND = Report
