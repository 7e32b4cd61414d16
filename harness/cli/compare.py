"""``harness compare``: what is slower in a new run than in an older one, or than another build in the same run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, ClassVar

import typer

from harness.cli import complete
from harness.cli.command import Command, Examples
from harness.cli.opened import opened_run
from harness.cli.options import BundleOption, threshold_of
from harness.cli.outcome import Outcome
from harness.cli.say import say
from harness.compare.builds import compare_builds
from harness.compare.checks import NAMES, allowed_names
from harness.compare.comparison import Comparison, compare_runs
from harness.compare.lines import lines, value
from harness.errors import HarnessError, UsageError
from harness.exit_codes import ExitCode, worst
from harness.export import csv
from harness.export.compared import of_comparison
from harness.export.formats import FORMATS, Format, comparison_formats_of
from harness.export.output import write_into
from harness.paths import shown_path
from harness.report.compared import render_compared
from harness.store.journal import write_atomically

_FORMATS = ", ".join(each.name for each in FORMATS.values() if each.for_comparisons)


@dataclass(frozen=True, kw_only=True)
class Compare(BundleOption, Command):
    """Decides layer by layer; the result is a table, compare.csv, and the exit code: 1 where anything is slower."""

    codes: ClassVar[Mapping[ExitCode, str]] = {
        ExitCode.REGRESSION: "something is slower",
        ExitCode.USAGE: "usage, or the two runs cannot be compared: what differs is named",
        ExitCode.INFRASTRUCTURE: "what it found could not be written",
        ExitCode.TOO_LITTLE_DATA: "something is unjudged, or with --threshold unproven",
    }
    examples: ClassVar[Examples] = (
        ("harness compare runs/before runs/after", "what is slower than before, and what is faster"),
        ("harness compare runs/before runs/after --threshold 2%", "a change under 2 % does not matter: prove it"),
        ("harness compare runs/latest", "the builds of a run that was made with --against"),
        ("harness compare A B --allow TOOLCHAIN --json", "the compilers differ, and that is meant"),
    )

    base: Annotated[
        Path,
        typer.Argument(
            metavar="BASE", help="The run directory, or bundle, to compare with.", autocompletion=complete.runs
        ),
    ]
    new: Annotated[
        Path | None,
        typer.Argument(
            metavar="NEW",
            help="The run directory, or bundle, in question. Without it: the builds of BASE, a run with --against.",
            autocompletion=complete.runs,
        ),
    ] = None
    threshold: Annotated[
        str | None,
        typer.Option(
            "--threshold", metavar="P%", help="From where on a difference matters; what is proven below is the same."
        ),
    ] = None
    in_spite_of: Annotated[
        list[str] | None,
        typer.Option(
            "--allow",
            metavar="NAME",
            help=f"Compare though that differs: {', '.join(NAMES)}. Repeats.",
            autocompletion=complete.one_of(*NAMES),
        ),
    ] = None
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="For compare.csv, compare.html and exports/, instead of NEW."),
    ] = None
    exports: Annotated[
        list[str] | None,
        typer.Option("--export", metavar="F", help=f"Write that format into exports/, too: {_FORMATS}. Repeats."),
    ] = None

    def __call__(self) -> Outcome:
        threshold = threshold_of(self.threshold)
        allow = allowed_names(self.in_spite_of or ())
        asked = comparison_formats_of(self.exports or (), "--export")
        with ExitStack() as stack:
            given = [path for path in (self.base, self.new) if path is not None]
            runs = [stack.enter_context(opened_run(path, self.allowed_signers)) for path in given]
            if len(runs) > 1:
                found = compare_runs(runs[0].path, runs[1].path, allow, threshold)
            elif allow:
                raise UsageError(f"--allow {min(allow)}: within a run nothing else differs", "leave it out")
            else:
                found = compare_builds(runs[0].path, threshold)
            folder = runs[-1].derived(self.out)
        outcome = told(found, folder, asked)
        as_json = dict(outcome.value)
        for side, path in zip(("base", "new"), (given[0], given[-1]), strict=True):
            as_json[side] = {**as_json[side], "path": str(path.resolve())}  # of a bundle it was read elsewhere
        return replace(outcome, value=as_json)


def told(found: Comparison, folder: Path, asked: Sequence[Format]) -> Outcome:
    """The outcome of a comparison, which is written into that folder too; where that fails it is told all the same."""
    paths: list[Path] = []
    code = found.code
    try:
        _write(found, folder, asked, paths)
    except HarnessError as error:
        say(f"harness: {error}\n  or name another folder with --out DIR")
        code = worst([code, error.exit_code])
    text = (*lines(found), *(f"wrote: {shown_path(path)}" for path in paths))
    return Outcome(code, text, {**value(found), "exit_code": int(code), "files": list(map(str, paths))})


def _write(found: Comparison, folder: Path, asked: Sequence[Format], written: list[Path]) -> None:
    """Writes compare.csv, what is asked for, and compare.html last; ``written`` gets each. Raises HarnessError."""
    table, page = folder / "compare.csv", folder / "compare.html"
    write_atomically(table, csv.text(found.table).encode("utf-8", "replace"))
    written.append(table)
    subject = of_comparison(found)
    for each in asked:
        for path in write_into(folder, [subject], each, "compare-"):
            written.append(path)
    write_atomically(page, render_compared(found).encode("utf-8", "replace"))
    written.append(page)


COMMAND = Compare
