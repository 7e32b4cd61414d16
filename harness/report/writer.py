"""Writes a run's report: report.html, summary.md, results.csv and categories.csv.

Where both faces ran, faces.csv and baseline.csv too; where workers of somebody else did, workers.csv. Of a sustained
run sustained.csv and windows.csv.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import InfrastructureError
from harness.exit_codes import ExitCode
from harness.export.formats import TABLES
from harness.model.policy import Policy
from harness.report.aa import aa_texts
from harness.report.beside import beside_texts
from harness.report.clauses import Clause
from harness.report.context import Context, make_context
from harness.report.ending import Answer, answers_of, table
from harness.report.html import render_html
from harness.report.markdown import render_markdown
from harness.report.sentences import Sentence
from harness.store.journal import write_atomically


@dataclass(frozen=True)
class Headline:
    """One category of one cluster, for the terminal."""

    device: str  # name of its folder
    place: str  # "Pixel 3, CPUs 4-7 (Cortex-A75)"
    cluster: str
    cache: str
    category: str
    text: str
    verdict: str  # faster, slower, unclear, unknown
    winner: str
    ratio: float
    low: float | None
    high: float | None
    layers: int
    emulated: bool


@dataclass(frozen=True)
class ReportSummary:
    """What was written, and what it says in short."""

    run_dir: Path  # or the other folder that it was written into
    sentences: tuple[str, ...]  # one per device and cluster
    headlines: tuple[Headline, ...]  # one per device, cluster and category
    weaknesses: tuple[str, ...]
    answers: tuple[Answer, ...]  # the numbers of the sentences
    heavy: tuple[str, ...]  # those of them that belong beside the sentences
    workers: tuple[str, ...]  # one per worker of somebody else and cluster
    judged: str  # how many samples are tainted
    waiting: tuple[str, ...]  # what waiting for a cool device cost, by device
    aa: tuple[str, ...]  # one per cluster and cache mode that has A/A pairs
    precision: str  # how well the ratios are known that the policy wants to a precision; empty where it wants none
    statuses: Mapping[str, int]  # rows by status: ok, skip, error, wrong, missing, unjudged
    cut: str = ""  # how much was measured of a run that was cut short

    @property
    def code(self) -> ExitCode:
        """Whether there was enough valid data to judge every row."""
        return ExitCode.TOO_LITTLE_DATA if self.statuses["unjudged"] else ExitCode.DONE

    @property
    def answer(self) -> tuple[str, ...]:
        """The last lines on a terminal: the sentences, their table, what belongs beside them, others' workers.

        Before them that the run was cut short, where it was.
        """
        cut = [f"CUT SHORT: {self.cut}"] if self.cut else []
        shown = tuple(table(self.answers))
        apart = ("", *shown, "") if shown else ()
        return (*cut, *self.sentences, *apart, *(f"weakness: {text}" for text in self.heavy), *self.workers)

    @property
    def told(self) -> tuple[str, ...]:
        """What stands below the answer on a terminal: samples, waits, precision, A/A pairs."""
        waiting = (f"waiting for a cool device: {text}" for text in self.waiting)
        precision = [f"precision: {self.precision}"] if self.precision else []
        return (f"samples: {self.judged}", *waiting, *precision, *self.aa)

    @property
    def value(self) -> dict[str, Any]:
        """The same for --json, and the sentences."""
        return {
            "sentences": list(self.sentences),
            "answers": [answer.value for answer in self.answers],
            "cut_short": self.cut,
            "judged": self.judged,
            "waiting": list(self.waiting),
            "precision": self.precision,
            "aa": list(self.aa),
            "workers": list(self.workers),
        }

    @property
    def report(self) -> Path:
        """report.html."""
        return self.run_dir / "report.html"


def write_report(run_dir: Path, policy: Policy | None = None, out: Path | None = None) -> ReportSummary:
    """Renders a run directory, cut at whatever moment; each file is replaced atomically, report.html last.

    ``policy``: samples are judged by it instead of by the one that they were measured under; ``out``: the folder that
    it is written into, where that is not the run directory.
    Raises InfrastructureError where a sample is on record twice, or a file cannot be written: it says which ones were.
    """
    folder = out or run_dir
    with _uncollected():
        context = make_context(run_dir, policy)
        tables = {f"{table.name}.csv": TABLES["csv"](table) for table in context.results.tables()}
        compared = (folder / "compare.html").is_file()
        page = render_html(context, tables, compared=compared)
        files = {**tables, "summary.md": render_markdown(context), "report.html": page}
    _write(folder, files)
    return summary_of(folder, context)


def _write(folder: Path, files: Mapping[str, str]) -> None:
    written: list[str] = []
    for name, text in files.items():
        try:
            # Lone surrogates can come out of JSON and are no UTF-8.
            write_atomically(folder / name, text.encode("utf-8", "replace"))
        except InfrastructureError as error:
            what = f"of it only {', '.join(written)}" if written else "nothing of it"
            raise InfrastructureError(
                f"the report could not be written, {what} was: {error.message}",
                f"{error.remedy}, then: harness report {folder}",
            ) from error
        written.append(name)


@contextmanager
def _uncollected() -> Iterator[None]:
    """No search for cycles: a report makes millions of values and no cycles, and going through them takes a tenth.

    Nor afterwards: what there is then is left out of every later search.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was:
            gc.enable()


def summary_of(run_dir: Path, context: Context) -> ReportSummary:
    """The short form of a context."""
    return ReportSummary(
        run_dir,
        tuple(sentence.text for sentence in context.sentences),
        tuple(_headline(sentence, clause) for sentence in context.sentences for clause in sentence.clauses),
        tuple(str(weakness) for weakness in context.weaknesses),
        tuple(answers_of(context.sentences)),
        tuple(str(weakness) for weakness in context.weaknesses if weakness.is_heavy),
        tuple(beside_texts(context.workers)),
        context.judged.text,
        tuple(context.waiting),
        tuple(aa_texts(context.aa)),
        context.precision.text if context.precision else "",
        context.statuses,
        context.cut.text if context.cut else "",
    )


def _headline(sentence: Sentence, clause: Clause) -> Headline:
    row = clause.row
    return Headline(
        sentence.device.name,
        sentence.place,
        sentence.cluster,
        row.cache,
        row.category,
        clause.text,
        clause.verdict,
        clause.winner,
        row.ratio.value,
        row.ratio.low,
        row.ratio.high,
        row.layers,
        sentence.device.emulated,
    )
