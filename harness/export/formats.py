"""The formats of exports: a file here and a line below for each.

``TABLES`` are those that tables of a run directory are written in, ``FORMATS`` those of `harness export` and --export.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from harness.errors import UsageError
from harness.export import bmf, csv, gbench, github_action, job_summary, junit, markdown, parquet
from harness.export.subject import Subject, of_run
from harness.extras import check_there
from harness.results.results import Results
from harness.results.table import Table

TABLES: Mapping[str, Callable[[Table], str]] = {  # by the ending of a file's name
    "csv": csv.text,
    "md": markdown.text,
}


@dataclass(frozen=True)
class Format:
    """One of them."""

    name: str
    ending: str  # of its files
    what: str  # in a few words, for people
    text: Callable[[Subject], Iterator[str] | Iterator[bytes]]  # the file in parts
    one_device: bool = False  # a file holds one device
    times_alone: bool = False  # it holds nothing but times that can be believed
    for_comparisons: bool = True  # it can hold one
    for_summary: bool = False  # it belongs into the summary of a job, too
    needs: str = ""  # a package that is installed on demand


def _csv(subject: Subject) -> Iterator[str]:
    yield csv.text(subject.table)


FORMATS: Mapping[str, Format] = {
    each.name: each
    for each in (
        Format(
            "bmf", "json", "Bencher Metric Format, one device a file", bmf.text,
            one_device=True, times_alone=True, for_comparisons=False,
        ),
        Format("csv", "csv", "the table of results", _csv),
        Format("gbench", "json", "Google Benchmark JSON, every sample", gbench.text, for_comparisons=False),
        Format(
            "github-action", "json", "github-action-benchmark, customSmallerIsBetter", github_action.text,
            times_alone=True,
        ),
        Format("junit", "xml", "JUnit XML, a test case for each result", junit.text),
        Format("markdown", "md", "for a comment or the summary of a job", job_summary.text, for_summary=True),
        Format(
            "parquet", "parquet", "the table of results, with types", parquet.parts, for_comparisons=False,
            needs="duckdb",
        ),
    )
}  # fmt: skip


def formats_of(names: Collection[str], option: str) -> list[Format]:
    """The formats of these names, each once.

    Raises UsageError for a name that none has, and for a format whose package is not installed.
    """
    found = _known(names, option)
    for each in found:
        if each.needs:
            check_there(each.needs, f"the format {each.name}")
    return found


def _known(names: Collection[str], option: str) -> list[Format]:
    unknown = next((name for name in names if name not in FORMATS), None)
    if unknown is not None:
        raise UsageError(f"{option} {unknown}: no such format", f"one of: {', '.join(FORMATS)}")
    return [FORMATS[name] for name in dict.fromkeys(names)]


def comparison_formats_of(names: Collection[str], option: str) -> list[Format]:
    """The same of a comparison. Raises UsageError for a format that holds a run, too."""
    found = _known(names, option)
    wrong = next((each.name for each in found if not each.for_comparisons), None)
    if wrong is not None:
        fit = ", ".join(each.name for each in FORMATS.values() if each.for_comparisons)
        raise UsageError(f"{option} {wrong}: it holds a run, not a comparison", f"one of: {fit}")
    return formats_of(names, option)


def subjects_of(results: Results, asked: Format) -> list[Subject]:
    """A run as that format takes it: as a whole, or each device by itself."""
    if not asked.one_device:
        return [of_run(results)]
    return [of_run(results, device) for device in dict.fromkeys(row.key.device for row in results.rows)]
