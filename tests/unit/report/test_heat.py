"""The heat table: one comparison a line, failures are cells; pairs and commands behind the cells."""

from __future__ import annotations

import base64
import gzip
import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from harness.report.context import Context, make_context
from harness.report.heat import SPEED
from harness.report.html import render_html
from harness.report.pairs_data import cell_key, pairs_of

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def context(synthetic: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Context:
    """One phone of two clusters, both faces; one result of im2col is wrong."""
    run: Path = synthetic.make_run(tmp_path_factory.mktemp("heat") / "run", [synthetic.Phone(faces=True)],
                                   launches=5, rounds=2)  # fmt: skip
    file = run / "devices" / "pixel-3" / "records.jsonl"
    lines = file.read_text().splitlines(keepends=True)
    layer = next(line for line in lines if '"type": "layer"' in line and '"conv2_3x3"' in line and '"im2col"' in line)
    fields = {key: value for key, value in json.loads(layer).items() if not key.endswith("_bytes")}
    check = {**fields, "type": "check", "by": "reference", "outputs": 4, "ok": False, "error_over_bound": 9.0}
    file.write_text("".join([*lines[:1], json.dumps({**check, "seq": 2}) + "\n", *lines[1:]]))
    return make_context(run)


def test_each_line_shows_one_comparison_in_every_cluster(context: Context) -> None:
    published, best = context.heats
    assert (published.face, best.face) == ("published", "best")
    assert [sentence.cluster for sentence in published.columns] == ["4-7", "0-3"]
    assert [line.category for line in published.lines] == ["larger"] * 4 + ["1x1s2"] * 2 + ["1x1s1"] * 3 + ["grouped"]
    assert {line.what for line in published.lines if line.category == "larger"} == {"indirect / im2col"}
    assert {line.what for line in published.lines if line.category == "1x1s1"} == {"indirect / direct"}
    cell = published.lines[0].cells[0]
    assert cell.row is not None and cell.text == f"{float(cell.row.columns['ratio_im2col']):.2f}"
    assert cell.tone == "p3" and "indirect is faster; neon_8x8; 10 valid samples of 10" in cell.words


def test_a_failure_is_a_cell(context: Context) -> None:
    line = next(line for line in context.heats[0].lines if line.layer == "conv2_3x3")
    failed = [cell for cell in line.cells if cell.tone == "bad"]
    assert [cell.text for cell in failed] == ["wrong"]
    assert failed[0].words.startswith("im2col/neon_8x8: ")


def test_a_line_without_any_number_names_what_it_lacks(kept: Callable[..., Path]) -> None:
    def keep(record: dict[str, Any]) -> bool:
        return record.get("layer") != "conv1_7x7s2" or record.get("algorithm") != "im2col"

    line = make_context(kept(keep)).heats[0].lines[0]
    assert (line.layer, line.what, line.cells[0].tone) == ("conv1_7x7s2", "indirect / im2col", "no")


def test_the_pairs_of_a_cell_are_those_of_its_ratio(context: Context) -> None:
    cell = context.heats[0].lines[0].cells[0]
    pairs = pairs_of(context.results, context.heats)[cell_key(cell)]
    assert len(pairs["t"]) == 10 and pairs["t"] == sorted(pairs["t"])
    assert sorted(set(pairs["l"])) == [0, 1, 2, 3, 4]
    assert len(pairs["c"]) == len(pairs["p"]) == 10 and "k" not in pairs
    assert cell.row is not None
    mean = sum(pairs["r"]) / len(pairs["r"]) / 1000
    assert mean == pytest.approx(math.log(float(cell.row.columns["ratio_im2col"])), abs=1e-3)


def test_many_pairs_are_thinned_out_evenly(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.report.pairs_data.MOST_POINTS", 1)
    pairs = pairs_of(context.results, context.heats)[cell_key(context.heats[0].lines[0].cells[0])]
    assert (len(pairs["t"]), pairs["every"]) == (5, 2)


def test_the_page_holds_pairs_commands_and_tables(context: Context) -> None:
    html = render_html(context, {"results.csv": "a,b\n1,2\n", "verdicts.csv": "much"})
    packed = re.search(r'<template id="pairs-data">([^<]+)</template>', html)
    assert packed
    data = json.loads(gzip.decompress(base64.b64decode(packed[1])))
    cell = context.heats[0].lines[0].cells[0]
    assert cell.row is not None
    assert f'data-k="{cell_key(cell)}" data-a={cell.row.number}' in html
    assert data["again"][str(cell.row.number)].startswith("harness run quick --device pixel-3 --clusters 4-7 ")
    raw = re.findall(r'download="([^"]+)" href="data:application/gzip;base64,([^"]+)"', html)
    assert [(name, gzip.decompress(base64.b64decode(text)).decode()) for name, text in raw] == [
        ("results.csv.gz", "a,b\n1,2\n")
    ]


def test_without_any_ratio_cells_show_speeds(kept: Callable[..., Path]) -> None:
    (heat,) = make_context(kept(lambda r: r.get("algorithm", "indirect") == "indirect")).heats
    assert {line.what for line in heat.lines} == {SPEED}
    cell = heat.lines[0].cells[0]
    assert cell.column == "gflops" and re.match(r"indirect/neon_8x8: [0-9.]+ GFLOP/s", cell.words)
