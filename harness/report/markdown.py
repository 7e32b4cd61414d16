"""summary.md: the sentences, the categories and the weaknesses; and the answer alone, to be copied from the page."""

from __future__ import annotations

from harness.export.formats import TABLES
from harness.export.markdown import escaped
from harness.export.subject import with_threads
from harness.model.emulation import mark_of, marked
from harness.report.context import Context
from harness.report.numbers import ratio_text, share_text
from harness.report.provenance import built_with
from harness.report.sentences import baseline_text
from harness.report.templates import template
from harness.results.categories import CategoryRow
from harness.results.table import Table

_WHAT = ("device", "cluster", "cache", "category", "algorithm", "other", "face")
_COLUMNS = (*_WHAT, "ratio", "interval", "visible", "layers", "emulated")


def render_markdown(context: Context) -> str:
    """The summary as Markdown."""
    categories = TABLES["md"](_categories(context)) if context.results.categories else ""
    return _rendered("summary.md.j2", context, categories)


def render_answer(context: Context) -> str:
    """Its answer alone, with the run's name."""
    return f"**{escaped(context.results.run.name)}**\n\n{_rendered('answer.md.j2', context).strip()}\n"


def _rendered(name: str, context: Context, categories: str = "") -> str:
    return template(name).render(
        context=context,
        run=context.results.run,
        built_with=built_with(context.results.run),
        baseline_text=baseline_text,
        marked=marked,
        ratio_text=ratio_text,
        categories=categories,
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
    return Table("categories", with_threads(_COLUMNS, rows), rows, numbers=frozenset({"ratio", "layers"}))
