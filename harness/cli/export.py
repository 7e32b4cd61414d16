"""``harness export RUN --format F``: a run in the format of another tool."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import typer

from harness.cli import complete
from harness.cli.command import Command, Examples
from harness.cli.opened import opened_run
from harness.cli.options import BundleOption, JudgedBy, RunDirectory
from harness.cli.outcome import Outcome
from harness.cli.say import say
from harness.errors import UsageError
from harness.exit_codes import ExitCode
from harness.export.formats import FORMATS, Format, formats_of
from harness.export.output import append_summary, encoded, is_summary, write_file
from harness.export.subject import Subject, of_run
from harness.model.policy import load_policy
from harness.paths import shown_path
from harness.results.results import Results, make_results
from harness.store.rundir import RunDir


@dataclass(frozen=True, kw_only=True)
class Export(BundleOption, Command):
    """Writes a run's results for another program, to stdout or a file; never needs a device."""

    codes: ClassVar[Mapping[ExitCode, str]] = {
        ExitCode.INFRASTRUCTURE: "it could not be written",
        ExitCode.TOO_LITTLE_DATA: "a format of times alone has none to hold",
    }
    examples: ClassVar[Examples] = (
        ("harness export runs/latest --format gbench --out new.json", "for Google Benchmark's compare.py"),
        ("harness export runs/latest --format junit > results.xml", "for a CI server"),
        ("harness export runs/latest --format csv --device pixel-3", "one device of the run"),
    )

    run: RunDirectory
    format: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="F",
            help=f"{', '.join(FORMATS)} (docs/exports.md).",
            autocompletion=complete.one_of(*FORMATS),
        ),
    ]
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Instead of stdout.")] = None
    of: Annotated[
        str | None, typer.Option("--device", metavar="NAME", help="Only that device of the run (pixel-3).")
    ] = None
    policy: JudgedBy = None

    def __call__(self) -> Outcome:
        (asked,) = formats_of([self.format], "--format")
        if self.as_json and self.out is None:
            raise UsageError("--json tells where the export went, and stdout is the export", "name a file with --out")
        policy = None if self.policy is None else load_policy(self.policy)
        with opened_run(self.run, self.allowed_signers) as run:
            RunDir(run.path).manifest()
            results = make_results(run.path, policy)
        subject = of_run(results, self._device(results, asked))
        summary: Path | None = None
        if self.out is None:
            for part in encoded(asked.text(subject)):
                sys.stdout.buffer.write(part)
            sys.stdout.flush()
        else:
            write_file(self.out, asked.text(subject))
        if asked.for_summary and self.out is not None and not is_summary(self.out):  # stdout may lead there already
            summary = append_summary(asked.text(subject))
        for remark in _remarks(results, subject, asked):
            say(remark)
        value = {
            "run": str(self.run.resolve()),
            "format": asked.name,
            "out": None if self.out is None else str(self.out),
            "summary": None if summary is None else str(summary),
            "results": len(subject.entries),
            "with_a_time": len(subject.measured),
        }
        code = ExitCode.TOO_LITTLE_DATA if asked.times_alone and not subject.measured else ExitCode.DONE
        return Outcome(code, (shown_path(self.out),) if self.out is not None and self.out.is_file() else (), value)

    def _device(self, results: Results, asked: Format) -> str | None:
        """The device that is exported; None for all."""
        names = [device.name for device in results.run.devices]
        if self.of is not None and self.of not in names:
            raise UsageError(f"--device {self.of}: the run has no such device", f"one of: {', '.join(names) or 'none'}")
        if self.of is None and asked.one_device and len(names) > 1:
            raise UsageError(
                f"--format {asked.name} holds one device, the run has {', '.join(names)}", "name one with --device"
            )
        return self.of


def _remarks(results: Results, subject: Subject, asked: Format) -> Iterator[str]:
    """What the file does not show."""
    if (status := results.run.manifest.get("status")) != "done":
        yield f"the run is {status}: what it lacks is not here"
    left = len(subject.entries) - len(subject.measured)
    if asked.times_alone and left:
        yield f"{left} of {len(subject.entries)} results have no time that can be believed: they are left out"


COMMAND = Export
