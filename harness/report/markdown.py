"""summary.md: the sentences, the categories and the weaknesses."""

from __future__ import annotations

from harness.export.formats import TABLES
from harness.model.emulation import mark_of
from harness.report.context import Context
from harness.report.numbers import share_text
from harness.report.provenance import built_with
from harness.report.sentences import baseline_text, marked
from harness.report.templates import template
from harness.results.categories import CategoryRow
from harness.results.table import Table

_WHAT = ("device", "cluster", "cache", "category", "algorithm", "other", "face")
_COLUMNS = (*_WHAT, "ratio", "interval", "visible", "layers")


def render_markdown(context: Context) -> str:
    """The summary as Markdown."""
    return template("summary.md.j2").render(
        context=context,
        run=context.results.run,
        built_with=built_with(context.results.run),
        baseline_text=baseline_text,
        marked=marked,
        categories=TABLES["md"](_categories(context)) if context.results.categories else "",
    )


def _categories(context: Context) -> Table:
    """The categories, their numbers short."""

    def shown(row: CategoryRow) -> dict[str, str]:
        ratio = row.ratio
        return {
            **row.columns,
            "ratio": f"{ratio.value:.3f}",
            "interval": f"{ratio.low:.3f} to {ratio.high:.3f}" if ratio.has_interval else "none",
            "visible": "" if ratio.visible is None else share_text(ratio.visible),
            "emulated": mark_of(row.emulated),
        }

    rows = [shown(row) for row in context.results.categories]
    several = ("threads",) if any(row.threads > 1 for row in context.results.categories) else ()
    return Table("categories", (*_COLUMNS, *several, "emulated"), rows, numbers=frozenset({"ratio", "layers"}))
