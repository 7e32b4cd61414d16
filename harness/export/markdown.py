"""Markdown: a table with its numbers to the right, every text shown as it is."""

from __future__ import annotations

import re

from harness.results.table import Table

_SPECIAL = re.compile(r"([\\`*_{}#|~!]|(?<=\])[(:\[])")  # intervals in brackets stay readable; links do not work


def escaped(value: object) -> str:
    """A text on one line that Markdown shows as it is."""
    line = _SPECIAL.sub(r"\\\1", " ".join(str(value).split()))
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def code(value: object) -> str:
    """A text on one line in the letters of code, whatever it holds."""
    line = " ".join(str(value).split())
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    return f"{fence}{line}{fence}" if len(fence) == 1 else f"{fence} {line} {fence}"


def text(table: Table) -> str:
    """The table in Markdown."""
    lines = [
        f"| {' | '.join(map(escaped, table.columns))} |",
        f"|{'|'.join('---:' if column in table.numbers else '---' for column in table.columns)}|",
        *(f"| {' | '.join(escaped(row[column]) for column in table.columns)} |" for row in table.rows),
    ]
    return "".join(f"{line}\n" for line in lines)
