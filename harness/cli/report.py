"""``harness report RUN``: renders a run directory again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from harness.cli.command import Command, Examples
from harness.cli.options import JudgedBy, RunDirectory
from harness.cli.outcome import Outcome
from harness.exit_codes import ExitCode
from harness.model.policy import load_policy
from harness.report.writer import write_report
from harness.store.rundir import RunDir


@dataclass(frozen=True, kw_only=True)
class Report(Command):
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
    policy: JudgedBy = None

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
