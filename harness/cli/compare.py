"""``harness compare BASE NEW``: what is slower in a new run than in an older one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import typer

from harness.cli import complete
from harness.cli.command import Command, Examples
from harness.cli.opened import opened_run
from harness.cli.options import BundleOption
from harness.cli.outcome import Outcome
from harness.cli.say import say, shown_path
from harness.compare.checks import NAMES, allowed_names
from harness.compare.comparison import Comparison, compare_runs
from harness.compare.lines import lines, value
from harness.errors import HarnessError, UsageError
from harness.exit_codes import ExitCode, worst
from harness.export import csv
from harness.export.compared import of_comparison
from harness.export.formats import FORMATS, Format, comparison_formats_of
from harness.export.output import write_into
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
        ("harness compare A B --allow TOOLCHAIN --json", "the compilers differ, and that is meant"),
    )

    base: Annotated[
        Path,
        typer.Argument(
            metavar="BASE", help="The run directory, or bundle, to compare with.", autocompletion=complete.runs
        ),
    ]
    new: Annotated[
        Path,
        typer.Argument(metavar="NEW", help="The run directory, or bundle, in question.", autocompletion=complete.runs),
    ]
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
        threshold = None if self.threshold is None else _share(self.threshold)
        allow = allowed_names(self.in_spite_of or ())
        asked = comparison_formats_of(self.exports or (), "--export")
        with opened_run(self.base, self.allowed_signers) as base, opened_run(self.new, self.allowed_signers) as new:
            found = compare_runs(base.path, new.path, allow, threshold)
            folder = new.derived(self.out)
        paths: list[Path] = []
        code = found.code
        try:
            _write(found, folder, asked, paths)
        except HarnessError as error:
            say(f"harness: {error}\n  or name another folder with --out DIR")
            code = worst([code, error.exit_code])
        told = (*lines(found), *(f"wrote: {shown_path(path)}" for path in paths))
        as_json = value(found)
        for side, given in (("base", self.base), ("new", self.new)):
            as_json[side]["path"] = str(given.resolve())  # of a bundle it was read elsewhere
        return Outcome(code, told, {**as_json, "exit_code": int(code), "files": list(map(str, paths))})


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


def _share(text: str) -> float:
    """``2%`` as 0.02. Raises UsageError."""
    found = re.fullmatch(r"(\d{1,3}(?:\.\d{1,6})?) ?%", text)
    share = float(found[1]) / 100 if found else 0.0
    if not 0 < share <= 1:
        raise UsageError(f"--threshold {text}: not a percentage from 0 to 100", "write it as in 2% or 0.5%")
    return share


COMMAND = Compare
