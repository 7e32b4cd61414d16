"""``harness report RUN``: renders a run directory again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import typer

from harness.cli.command import Command, Examples
from harness.cli.opened import opened_run
from harness.cli.options import BundleOption, JudgedBy, RunDirectory
from harness.cli.outcome import Outcome
from harness.exit_codes import ExitCode
from harness.model.policy import load_policy
from harness.report.writer import write_report
from harness.store.rundir import RunDir


@dataclass(frozen=True, kw_only=True)
class Report(BundleOption, Command):
    """Renders a run directory; the result is the report's opening sentences and its path."""

    codes: ClassVar[Mapping[ExitCode, str]] = {
        ExitCode.INFRASTRUCTURE: "the report could not be written",
        ExitCode.TOO_LITTLE_DATA: "a row of results.csv is unjudged: too few valid samples",
    }
    examples: ClassVar[Examples] = (
        ("harness report runs/latest", "the newest run's report, made again from its records"),
        ("harness report runs/latest --policy strict.yaml", "its samples judged by another policy"),
    )

    run: RunDirectory
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Instead of the run directory; of a bundle, of ./<name>-report."),
    ] = None
    policy: JudgedBy = None

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
