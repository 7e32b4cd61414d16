"""report.html: the templates of reports/ filled in. Everything is escaped but what Marks and this file made.

The page's one script is reports/report.js, which its content-security policy names by its hash: no other one runs.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from hashlib import sha256

from markupsafe import Markup, escape

from harness.judge.comparison import LEAST_LAYER, LEAST_MEAN
from harness.model.launches import LEAST_LAUNCHES
from harness.model.layer import CATEGORY_TITLES
from harness.model.variant import BEST, PUBLISHED
from harness.report.again import Again
from harness.report.context import Context
from harness.report.heat import SPEED, Cell, Heat
from harness.report.markdown import render_answer
from harness.report.marks import Marks, source
from harness.report.numbers import rounded, share_text
from harness.report.pairs_data import cell_key, packed, packed_text, pairs_of
from harness.report.room import Room
from harness.report.templates import asset, template

MOST_RAW = 1_000_000  # characters of all tables in the page, compressed
_NOT_RAW = ("verdicts", "windows")  # a line for each sample


def render_html(context: Context, tables: Mapping[str, str] | None = None, *, compared: bool = False) -> str:
    """The report as one HTML document that loads nothing from anywhere.

    ``tables``: texts of CSV files by name, which the page holds to be saved, as far as there is room. ``compared``:
    whether compare.html lies beside it.
    """
    script = asset("report.js")
    repeat = Again(context.results.run)
    return template("report.html.j2").render(
        context=context,
        compared=compared,
        marks=Marks(),
        share=share_text,
        short=rounded,
        titles=CATEGORY_TITLES,
        room=Room(context),
        repeat=repeat,
        least_launches=LEAST_LAUNCHES,
        least_mean=LEAST_MEAN,
        least_layer=LEAST_LAYER,
        heat_cell=_heat_cell,
        heat_titles=_heat_title,
        raw=_raw(tables or {}),
        brief=render_answer(context),
        pairs=packed({"pairs": pairs_of(context.results, context.heats), "again": _commands(repeat, context.heats)}),
        script=script,
        script_hash=base64.b64encode(sha256(script.encode()).digest()).decode("ascii"),
        style=asset("report.css"),
    )


def _heat_title(heat: Heat) -> str:
    if heat.face == PUBLISHED:
        return "As published"
    if heat.face == BEST:
        return "Each at its best"
    return f"Beside {heat.face}" if heat.face else SPEED


def _heat_cell(cell: Cell) -> Markup:
    """A cell: its number with where it comes from, and for the script what it finds its pairs and its command by."""
    row, pairs = cell.row, cell_key(cell)
    keys = (f' data-k="{pairs}"' if pairs else "") + (f" data-a={row.number}" if row else "")
    text = escape(cell.text)
    if cell.marked is not None:
        text = Markup('<i data-source="{}">{}</i>').format(source(cell.marked, cell.column), cell.text)
    return Markup('<td class={} title="{}"{}>{}').format(cell.tone, cell.words, Markup(keys), text)  # noqa: S704


def _commands(repeat: Again, heats: Iterable[Heat]) -> dict[int, str]:
    """The command that measures each cell again, by its row in results.csv."""
    rows = (cell.row for heat in heats for line in heat.lines for cell in line.cells if cell.row)
    return {row.number: repeat.command(row) for row in rows}


def _raw(tables: Mapping[str, str]) -> list[tuple[str, str]]:
    """Each table's name and its text, compressed, in base 64; empty where there is no room for it."""
    left, found = MOST_RAW, []
    for name, text in tables.items():
        if name.partition(".")[0] in _NOT_RAW:
            continue
        data = packed_text(text)
        fits = len(data) <= left
        left -= len(data) if fits else 0
        found.append((name, data if fits else ""))
    return found
