"""summary.md: the sentences, the categories and the weaknesses."""

from __future__ import annotations

import re

from jinja2 import Environment, FileSystemLoader

from harness.paths import data_root
from harness.report.context import Context
from harness.report.sentences import baseline_text

_SPECIAL = re.compile(r"([\\`*_{}#|~!]|(?<=\])[(:\[])")  # intervals in brackets stay readable; links do not work


def markdown_text(text: object) -> str:
    """A text on one line that Markdown shows as it is."""
    line = _SPECIAL.sub(r"\\\1", " ".join(str(text).split()))
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def render_markdown(context: Context) -> str:
    """The summary as Markdown."""
    environment = Environment(
        loader=FileSystemLoader(data_root() / "reports"),
        autoescape=False,  # noqa: S701 - Markdown: every text goes through the filter md
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["md"] = markdown_text
    return environment.get_template("summary.md.j2").render(
        context=context,
        baseline_text=baseline_text,
        run=context.run,
        emulated_names={device.name for device in context.run.devices if device.emulated},
    )
