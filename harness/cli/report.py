"""``harness report RUN``: renders a run directory again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.command import Command
from harness.cli.opened import opened_run
from harness.cli.options import BundleOption, JsonOption
from harness.cli.outcome import Outcome
from harness.model.policy import load_policy
from harness.report.writer import write_report
from harness.store.rundir import RunDir


@dataclass(frozen=True, kw_only=True)
class Report(JsonOption, BundleOption, Command):
    """Renders a run directory; the result is the report's opening sentences and its path."""

    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run directory, or a bundle.")]
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Instead of the run directory; of a bundle, of ./<name>-report."),
    ] = None
    policy: Annotated[
        str | None, typer.Option("--policy", metavar="NAME|FILE", help="Judge the samples by this one, not the run's.")
    ] = None

    def __call__(self) -> Outcome:
        policy = None if self.policy is None else load_policy(self.policy)
        with opened_run(self.run, self.allowed_signers) as run:
            RunDir(run.path).manifest()
            folder = run.derived(self.out)
            summary = write_report(run.path, policy, folder)
        value = {
            "run": str(self.run.resolve()),
            "report": str(summary.report.resolve()),
            **summary.value,
            "weaknesses": list(summary.weaknesses),
            "rows": dict(summary.statuses),
        }
        shown = self.run if folder == run.path else folder
        lines = (*summary.answer, *summary.told, f"report: {shown / 'report.html'}")
        return Outcome(summary.code, lines, value)


COMMAND = Report
