"""The templates of reports/. Each is compiled once in a process, which takes longer than to fill it in."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, Template

from harness.export.markdown import escaped
from harness.paths import data_root


def template(name: str) -> Template:
    """The template of that name. In HTML all that is filled in is escaped; in Markdown what goes through ``md``."""
    return _environment(data_root() / "reports", name.endswith(".html.j2")).get_template(name)


def asset(name: str) -> str:
    """The text of a file that pages hold: the style sheet, the script."""
    return (data_root() / "reports" / name).read_text("utf-8")


@cache
def _environment(folder: Path, is_html: bool) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=is_html,  # noqa: S701 - Markdown: every text goes through the filter md
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["md"] = escaped
    return environment
