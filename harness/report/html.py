"""report.html: the templates of reports/ filled in. Everything is escaped but what Marks made."""

from __future__ import annotations

from harness.judge.comparison import LEAST_LAYER, LEAST_MEAN
from harness.model.launches import LEAST_LAUNCHES
from harness.model.layer import CATEGORY_TITLES
from harness.paths import data_root
from harness.report.again import Again
from harness.report.context import Context
from harness.report.marks import Marks
from harness.report.numbers import share_text
from harness.report.room import Room
from harness.report.templates import template


def render_html(context: Context) -> str:
    """The report as one HTML document that loads nothing from anywhere."""
    return template("report.html.j2").render(
        context=context,
        marks=Marks(),
        share=share_text,
        titles=CATEGORY_TITLES,
        room=Room(context),
        repeat=Again(context.results.run),
        least_launches=LEAST_LAUNCHES,
        least_mean=LEAST_MEAN,
        least_layer=LEAST_LAYER,
        style=(data_root() / "reports" / "report.css").read_text("utf-8"),
    )
