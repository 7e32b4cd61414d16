"""Writes a run's report: report.html, summary.md, results.csv and categories.csv.

Where both faces ran, faces.csv and baseline.csv too.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.report.context import Context, make_context
from harness.report.html import render_html
from harness.report.markdown import render_markdown
from harness.report.sentences import Clause, Sentence
from harness.results.baseline import BASELINE_COLUMNS, BaselineRow
from harness.results.categories import CATEGORY_COLUMNS
from harness.results.faces import FACE_COLUMNS, FaceRow
from harness.results.rows import RESULT_COLUMNS
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

    run_dir: Path
    sentences: tuple[str, ...]  # one per device and cluster
    headlines: tuple[Headline, ...]  # one per device, cluster and category
    weaknesses: tuple[str, ...]
    heavy: tuple[str, ...]  # those of them that belong beside the sentences
    statuses: Mapping[str, int]  # rows by status: ok, skip, error, wrong, missing

    @property
    def answer(self) -> tuple[str, ...]:
        """The last lines on a terminal: the sentences, and what belongs beside them."""
        return (*self.sentences, *(f"weakness: {text}" for text in self.heavy))

    @property
    def report(self) -> Path:
        """report.html."""
        return self.run_dir / "report.html"


def write_report(run_dir: Path) -> ReportSummary:
    """Renders a run directory, cut at whatever moment; each file is replaced atomically, report.html last.

    Raises InfrastructureError where a sample is on record twice, or a file cannot be written.
    """
    context = make_context(run_dir)
    files = {
        **_of_both_faces("faces.csv", FACE_COLUMNS, context.faces),
        **_of_both_faces("baseline.csv", BASELINE_COLUMNS, context.baselines),
        "results.csv": csv_text(RESULT_COLUMNS, (row.columns for row in context.rows)),
        "categories.csv": csv_text(CATEGORY_COLUMNS, (row.columns for row in context.categories)),
        "summary.md": render_markdown(context),
        "report.html": render_html(context),
    }
    for name, text in files.items():
        # Lone surrogates can come out of JSON and are no UTF-8.
        write_atomically(run_dir / name, text.encode("utf-8", "replace"))
    return summary_of(run_dir, context)


def summary_of(run_dir: Path, context: Context) -> ReportSummary:
    """The short form of a context."""
    return ReportSummary(
        run_dir,
        tuple(sentence.text for sentence in context.sentences),
        tuple(_headline(sentence, clause) for sentence in context.sentences for clause in sentence.clauses),
        tuple(str(weakness) for weakness in context.weaknesses),
        tuple(str(weakness) for weakness in context.weaknesses if weakness.is_heavy),
        context.statuses,
    )


def _of_both_faces(
    name: str, columns: Sequence[str], rows: Sequence[FaceRow] | Sequence[BaselineRow]
) -> dict[str, str]:
    return {name: csv_text(columns, (row.columns for row in rows))} if rows else {}


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> str:
    """A CSV file (RFC 4180 quoting, LF) with its header."""
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _headline(sentence: Sentence, clause: Clause) -> Headline:
    row = clause.row
    return Headline(
        sentence.device.name,
        sentence.place,
        sentence.cluster,
        sentence.cache,
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
