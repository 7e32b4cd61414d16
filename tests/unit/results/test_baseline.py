"""How far the published im2col is from the best one measured, and when that stands beside the answer."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType

import pytest

from harness.report.writer import ReportSummary, write_report

pytestmark = pytest.mark.unit

Measured = Callable[..., tuple[Path, ReportSummary]]


@pytest.fixture
def measured(synthetic: ModuleType, tmp_path: Path) -> Measured:
    """`measured(times)`: the report of a run whose best im2col takes so many times the published one's on a layer."""

    def measured(times: Mapping[str, float], kernel: str = "neon_8x8+block8") -> tuple[Path, ReportSummary]:
        phone = synthetic.Phone(clusters=(("4-7", "Cortex-A75", 2803),), faces=True)
        chosen = [synthetic.LAYERS[n] for n in (1, 3, 4, 6)]
        run: Path = synthetic.make_run(tmp_path / "run", [phone], chosen, launches=4, rounds=2)
        file = run / "devices" / "pixel-3" / "records.jsonl"
        records = [json.loads(line) for line in file.read_text().splitlines()]
        for record in records:
            is_best = record.get("variant") == "im2col/neon_8x8+best"
            if record["type"] == "sample":
                record["ns"] = 1e6 * (1 + record["launch"]) * (times.get(record["layer"], 1.0) if is_best else 1.0)
            if is_best and "+" in kernel:
                record |= {"variant": f"im2col/{kernel}", "schedule": kernel}
        file.write_text("".join(json.dumps(record) + "\n" for record in records))
        return run, write_report(run)

    return measured


def rows(run: Path) -> list[dict[str, str]]:
    with (run / "baseline.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_mean_is_over_layers_that_copy_and_the_worst_is_named(
    measured: Measured,
) -> None:
    run, summary = measured({"conv2_3x3": 0.72, "conv4_3x3": 0.9, "conv3_proj_1x1s2": 1.0, "fire2_squeeze_1x1": 0.1})
    (rotate, hot) = rows(run)
    assert (rotate["cache"], hot["cache"]) == ("rotate", "hot")
    assert float(rotate["ratio"]) == pytest.approx((0.72 * 0.9) ** (1 / 3))
    assert (rotate["layers"], rotate["worst_layer"], rotate["worst_ratio"]) == ("3", "conv2_3x3", "0.72")
    assert float(rotate["worst_ratio_low"]) == pytest.approx(0.72) == float(rotate["worst_ratio_high"])
    assert summary.heavy == ()
    html = (run / "report.html").read_text()
    answer = html.split('id="devices"', 1)[0]
    for column, value in (("ratio", "0.87"), ("worst_ratio", "0.72"), ("layers", "3")):
        assert f'data-source="baseline.csv:1:{column}">{value}<' in answer
    assert 'class="beside"' not in html
    assert "The published im2col has 0.87x [0.87, 0.87]" in (run / "summary.md").read_text()


@pytest.mark.parametrize(
    "times",
    [
        {"conv2_3x3": 0.8, "conv4_3x3": 0.8, "conv3_proj_1x1s2": 0.95},  # the mean
        {"conv2_3x3": 0.69},  # one layer
    ],
)
def test_an_unfair_baseline_stands_beside_the_answer(measured: Measured, times: Mapping[str, float]) -> None:
    run, summary = measured(times)
    assert len(summary.heavy) == 1  # in the answer's cache mode
    assert len([weakness for weakness in summary.weaknesses if "of the best im2col's speed" in weakness]) == 2
    assert summary.answer[-1].startswith("weakness: Pixel 3, CPUs 4-7: in rotate the published im2col has 0.")
    html = (run / "report.html").read_text()
    card = html.partition('class="answer"')[2].partition("</article>")[0]
    beside = card.partition('class="beside"')[2]
    assert 'data-source="baseline.csv:1:worst_ratio"' in beside
    assert "go by “each at its best”" in beside
    assert "**Weakness:** in rotate the published im2col" in (run / "summary.md").read_text()


def test_each_cache_mode_of_the_answer_has_its_baseline_beside_it(measured: Measured) -> None:
    run, _ = measured({"conv2_3x3": 0.69, "conv3_proj_1x1s2": 0.6})
    file = run / "devices" / "pixel-3" / "records.jsonl"
    records = [json.loads(line) for line in file.read_text().splitlines()]
    kept = [r for r in records if r.get("cache") != "rotate" or r["layer"] != "conv3_proj_1x1s2"]
    file.write_text("".join(json.dumps(record) + "\n" for record in kept))
    summary = write_report(run)
    assert [(h.category, h.cache) for h in summary.headlines] == [
        ("larger", "rotate"),
        ("1x1s2", "hot"),
        ("1x1s1", "rotate"),
    ]
    weak = [text.partition(": in ")[2].split()[0] for text in summary.heavy if "published im2col" in text]
    assert weak == ["rotate", "hot"]
    card = (run / "report.html").read_text().partition('class="answer"')[2].partition("</article>")[0]
    for number, cache in ((1, "rotate"), (2, "hot")):
        assert f'In {cache} the published im2col has <b><i data-source="baseline.csv:{number}:ratio"' in card
    assert "  - In hot the published im2col has" in (run / "summary.md").read_text()


def test_the_published_one_may_itself_be_the_best(
    measured: Measured,
) -> None:
    run, summary = measured({"conv2_3x3": 1.25})
    assert {(r["ratio"], r["worst_ratio"]) for r in rows(run)} == {("1", "1")}
    (text,) = [weakness for weakness in summary.weaknesses if "best schedule" in weakness]
    assert "2 best schedule(s) are slower than the algorithm as published" in text
    assert "conv2_3x3 im2col/neon_8x8+block8 (rotate, 0.80x [0.80, 0.80])" in text


def test_the_order_of_loops_is_shown_and_tells_schedules_apart(synthetic: ModuleType, tmp_path: Path) -> None:
    phone = synthetic.Phone(clusters=(("4-7", "Cortex-A75", 2803),), faces=True)
    run: Path = synthetic.make_run(tmp_path / "run", [phone], [synthetic.LAYERS[1]], launches=4, rounds=2)
    file = run / "devices" / "pixel-3" / "records.jsonl"
    records = [json.loads(line) for line in file.read_text().splitlines()]
    for record in records:
        if record.get("variant") == "im2col/neon_8x8+best":
            record |= {"variant": "im2col/neon_8x8+pixels", "kernel": "neon_8x8+pixels"}
        if record["type"] == "layer":
            record["order"] = "pixels"
        if record["type"] == "sample":
            record["ns"] = 2e6 if record["variant"] == "im2col/neon_8x8" else 1e6
    file.write_text("".join(json.dumps(record) + "\n" for record in records))
    write_report(run)
    assert {r["ratio"] for r in rows(run)} == {"1"}
    html = (run / "report.html").read_text()
    published, _, best = html.partition("Best face: ")
    assert published.count("pixels outside</small>") == 4  # two algorithms in two cache modes
    assert "pixels outside</small>" not in best
    for record in records:
        if record["type"] == "layer" and record["kernel"] == "neon_8x8":
            record["order"] = "panels"
    file.write_text("".join(json.dumps(record) + "\n" for record in records))
    write_report(run)
    assert {r["ratio"] for r in rows(run)} == {"0.5"}


@pytest.mark.parametrize("time", [0.6, 1.25])
def test_the_same_schedule_under_two_names_is_no_distance(measured: Measured, time: float) -> None:
    run, summary = measured({"conv2_3x3": time}, "neon_8x8")
    assert {(r["ratio"], r["worst_ratio"]) for r in rows(run)} == {("1", "1")}
    assert not any("best schedule" in weakness for weakness in summary.weaknesses)


def test_without_the_best_im2col_there_is_no_distance(synthetic: ModuleType, tmp_path: Path) -> None:
    run = synthetic.make_run(tmp_path / "run", launches=4, rounds=2)
    write_report(run)
    assert not (run / "baseline.csv").exists()
    assert "of the best im2col" not in (run / "report.html").read_text()
