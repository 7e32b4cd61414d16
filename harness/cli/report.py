"""``harness report RUN``: renders a run directory again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.command import Command
from harness.cli.options import JsonOption
from harness.cli.outcome import Outcome
from harness.model.policy import load_policy
from harness.report.writer import write_report
from harness.store.rundir import RunDir


@dataclass(frozen=True, kw_only=True)
class Report(JsonOption, Command):
    """Renders a run directory; the result is the report's opening sentences and its path."""

    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run directory.")]
    policy: Annotated[
        str | None, typer.Option("--policy", metavar="NAME|FILE", help="Judge the samples by this one, not the run's.")
    ] = None

    def __call__(self) -> Outcome:
        directory = RunDir(self.run.resolve())
        directory.manifest()
        summary = write_report(directory.path, None if self.policy is None else load_policy(self.policy))
        value = {
            "run": str(directory.path),
            "report": str(summary.report),
            **summary.value,
            "weaknesses": list(summary.weaknesses),
            "rows": dict(summary.statuses),
        }
        lines = (*summary.answer, *summary.told, f"report: {self.run / 'report.html'}")
        return Outcome(summary.code, lines, value)


COMMAND = Report
