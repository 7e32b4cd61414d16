"""Which method wins, at which error, and what a layout saves: methods.csv, the page and the summary."""

from __future__ import annotations

import csv
import json
import re
from functools import partial
from pathlib import Path
from types import ModuleType

import pytest

from harness.report.context import Context, make_context
from harness.report.html import render_html
from harness.report.markdown import render_markdown
from harness.report.room import Room
from harness.report.writer import write_report

pytestmark = pytest.mark.unit


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def run(synthetic: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cluster, 4 launches of 2 rounds: NCHW takes half of indirect's time."""
    phone = synthetic.Phone(clusters=(("4-7", "Cortex-A75", 2803),), further={"im2col-nchw": 0.5}, faces=True)
    path: Path = synthetic.make_run(tmp_path_factory.mktemp("methods") / "run", [phone], launches=4, rounds=2)
    records = path / "devices" / phone.name / "records.jsonl"
    lines = []
    for line in records.read_text().splitlines():
        record = json.loads(line)
        if record["type"] == "check" and record["algorithm"] == "im2col-nchw":
            record |= {"bound": 9e-6, "max_error": 4.5e-6, "error_over_bound": 0.5}
        lines.append(json.dumps(record) + "\n")
    records.write_text("".join(lines))
    write_report(path)
    return path


@pytest.fixture(scope="module")
def context(run: Path) -> Context:
    return make_context(run)


def test_the_fastest_method_of_each_layer_is_told_with_its_leads_and_its_error(run: Path) -> None:
    rows = read_csv(run / "methods.csv")
    layers = {row["layer"] for row in read_csv(run / "results.csv")}
    assert len(rows) == 2 * len(layers) and {row["cache"] for row in rows} == {"hot", "rotate"}
    for row in rows:
        assert (row["algorithm"], row["layout"], row["face"]) == ("im2col-nchw", "nchw", "published")
        assert float(row["ratio_indirect"]) == pytest.approx(2, rel=0.2)
        assert float(row["ratio_indirect_low"]) < float(row["ratio_indirect"]) < float(row["ratio_indirect_high"])
        assert row["other"] in ("indirect", "direct", "im2col") and float(row["ratio"]) > 1 and row["visible"]
        assert float(row["max_error"]) == pytest.approx(4.5e-6) and float(row["error_over_bound"]) == 0.5
        assert row["exact"] == "0"
        assert int(row["methods"]) == (4 if row["category"] == "1x1s1" else 3)


def test_results_have_errors_and_what_bringing_layouts_there_and_back_takes(run: Path) -> None:
    for row in read_csv(run / "results.csv"):
        turned = row["layout"] == "nchw"
        assert (row["to_nchw_ns"], row["to_nhwc_ns"]) == (("4000", "6000") if turned else ("", ""))
        assert bool(row["max_error"]) == bool(row["error_over_bound"]) == bool(row["median_ns"])
        assert bool(row["ratio_im2col"]) == (row["face"] == "published" and row["algorithm"] in (
            "indirect", "direct", "im2col-nchw") and row["status"] == "ok") or row["face"] == "best"  # fmt: skip


def test_the_means_of_the_paper_and_the_fastest_of_a_network_leave_other_layouts_out(context: Context) -> None:
    assert all("im2col-nchw" not in (row.algorithm, row.other) for row in context.results.categories)
    sums = {(row.form, row.face): row.total.value for row in context.results.networks.rows}
    assert all(sums["im2col-nchw", "published"] < total for key, total in sums.items() if key[0] != "im2col-nchw")


def test_page_and_summary_name_the_winner_mark_a_wider_bound_and_trace_their_numbers(context: Context) -> None:
    html, summary = render_html(context), render_markdown(context)
    section = html.partition('<section id="methods">')[2].partition("</section>")[0]
    assert "wider error bound" in section and "Wider error bound: im2col-nchw." in section
    assert "4.5e-06" in section and "on NCHW" in section
    for column in ("ratio_indirect", "ratio", "low", "max_error", "error_over_bound"):
        assert re.search(rf'data-source="methods.csv:\d+:{column}"', section), column
    for column in ("ratio_im2col", "copy_ns", "to_nchw_ns", "to_nhwc_ns"):
        assert re.search(rf'data-source="results.csv:\d+:{column}"', section), column
    assert '<a href="#methods">' in html
    assert "## Which method wins" in summary and "(wider bound)" in summary and "What NHWC saves im2col" in summary


def test_a_run_of_the_papers_three_has_neither_table_nor_section(synthetic: ModuleType, tmp_path: Path) -> None:
    phone = synthetic.Phone(clusters=(("4-7", "Cortex-A75", 2803),), faces=True)
    path = synthetic.make_run(tmp_path / "run", [phone], launches=4, rounds=1)
    write_report(path)
    assert not (path / "methods.csv").exists()
    assert 'id="methods"' not in (path / "report.html").read_text()
    assert "Which method wins" not in (path / "summary.md").read_text()


def test_a_layer_without_checks_has_no_mark(synthetic: ModuleType, tmp_path: Path) -> None:
    phone = synthetic.Phone(clusters=(("4-7", "Cortex-A75", 2803),), further={"im2col-nchw": 3})
    path = synthetic.make_run(tmp_path / "run", [phone], launches=4, rounds=1, layers=synthetic.LAYERS[:2])
    records = path / "devices" / phone.name / "records.jsonl"
    lines = [json.loads(line) for line in records.read_text().splitlines()]
    kept = [line for line in lines if line["type"] != "check"]
    texts = [json.dumps({**line, "seq": n} | ({"records": len(kept)} if line["type"] == "end" else {}))
             for n, line in enumerate(kept)]  # fmt: skip
    records.write_text("\n".join(texts) + "\n")
    context = make_context(path)
    assert {row.is_exact for row in context.results.methods} == {None} and context.wider == []
    assert all(row.columns["max_error"] == row.columns["exact"] == "" for row in context.results.methods)
    render_html(context)


def test_what_a_large_page_has_no_room_for_is_said_with_its_rows(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counts and errors of each cluster stay."""
    monkeypatch.setattr("harness.report.html.Room", partial(Room, large=20))
    html = render_html(context)
    assert Room(context, large=20).is_large
    section = html.partition('<section id="methods">')[2].partition("</section>")[0]
    assert '<table class="layers methods">' not in section
    assert re.findall(r"rows (\d+) to (\d+) of methods.csv; too many", section)
    assert re.findall(r"what NHWC saves im2col.*: rows \d+ to \d+ of results.csv; too many", section)
    assert 'aria-label="Which method wins"' in section
    monkeypatch.setattr("harness.report.context.MOST_SUMMED", 1)
    assert "| fastest |" not in render_markdown(context)
