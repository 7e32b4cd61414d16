"""A/A and precision in the report: said, shown with every number traced, and a weakness where A/A failed."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from benchmarks import synthetic
from harness.cli.report import Report
from harness.export.markdown import escaped
from harness.report.aa import AaBlock
from harness.report.sentences import Sentence
from harness.report.writer import ReportSummary, write_report
from harness.results.aa import AaSummary
from harness.store.journal import EventLog

pytestmark = pytest.mark.unit


def report(path: Path, aa: float | None = 1.0, precision: float | None = None, launches: int = 8) -> ReportSummary:
    phone = synthetic.Phone(clusters=(("4-7", "Cortex-A75", 2803),), aa=aa)
    run = synthetic.make_run(path, [phone], launches=launches, rounds=4)
    manifest = json.loads((run / "manifest.json").read_text())
    manifest["policy"]["precision"] = precision
    (run / "manifest.json").write_text(json.dumps(manifest))
    return write_report(run)


def test_a_pair_that_passed_is_said(tmp_path: Path) -> None:
    done = report(tmp_path / "run")
    told = r"10 of 10 intervals hold 1; the widest has \d\.\d+ % \(\w+\)"
    for cache, text in zip(("rotate", "hot"), done.aa, strict=True):
        assert re.fullmatch(rf"A/A passed on Pixel 3, CPUs 4-7 \(Cortex-A75\) in {cache}: {told}", text)
    html, markdown = done.report.read_text(), (done.run_dir / "summary.md").read_text()
    assert all(text in html and escaped(text) in markdown for text in done.aa)
    assert not any("A/A failed" in text for text in done.weaknesses)
    answer = html[html.index('<section id="answer"') :].partition("</section>")[0]
    assert "A/A passed in rotate: 10 of 10 intervals hold 1." in answer
    assert "indirect/aa" not in html  # in no table but its own, which shows what it is a copy of


def test_every_number_of_it_stands_in_its_cell(tmp_path: Path) -> None:
    done = report(tmp_path / "run")
    rows = list(csv.DictReader((done.run_dir / "aa.csv").open()))
    marked = re.findall(r'data-source="aa.csv:(\d+):(\w+)">([\d.]+)', done.report.read_text())
    assert len(marked) == 5 * len(rows)
    for number, column, shown in marked:
        value = float(rows[int(number) - 1][column])
        assert float(shown) == pytest.approx(100 * value if column in ("width", "visible") else value, abs=0.06)


def test_one_that_failed_belongs_beside_the_answer(tmp_path: Path) -> None:
    done = report(tmp_path / "run", aa=1.05)
    assert all(text.startswith("A/A failed") for text in done.aa)
    assert any("more than chance explains" in text for text in done.heavy)


def test_one_that_passed_with_an_interval_beside_1_says_why() -> None:
    summary = SimpleNamespace(cache="hot", verdict="passed", judged=[1, 2], failed=[1], pairs=[1, 2])
    block = AaBlock(cast(Sentence, None), "", cast(AaSummary, summary))
    assert block.short == "A/A passed in hot: 1 of 2 intervals hold 1, and chance explains the rest"


def test_without_intervals_it_is_not_judged(tmp_path: Path) -> None:
    assert all("A/A not judged" in text for text in report(tmp_path / "run", launches=3).aa)


def test_without_a_pair_nothing_is_said(tmp_path: Path) -> None:
    done = report(tmp_path / "run", aa=None)
    assert (done.aa, done.precision) == ((), "")
    assert 'id="aa"' not in done.report.read_text()
    assert not (done.run_dir / "aa.csv").exists()


@pytest.mark.parametrize(
    ("precision", "said"),
    [
        (0.5, "20 of 20 ratios have an interval no wider than the 50 % that the policy asks for, with 8 launches"),
        (
            0.0001,
            "0 of 20 ratios have an interval no wider than the 0.01 % that the policy asks for, with 8 launches; ",
        ),
    ],
)
def test_precision_is_said(tmp_path: Path, precision: float, said: str) -> None:
    done = report(tmp_path / "run", precision=precision)
    assert done.precision.startswith(said)
    assert done.precision in done.report.read_text()


def test_beside_each_ratio_stands_what_it_could_have_shown(tmp_path: Path) -> None:
    html = report(tmp_path / "run").report.read_text()
    for name in ("results", "categories"):
        assert re.search(rf'\] sees <i data-source="{name}.csv:\d+:visible">[\d.]+ %</i></small>', html)


def calibrated(path: Path, floor: float, *, threads: int = 1, **changes: Any) -> ReportSummary:
    """A run on a phone that was calibrated before."""
    phone = synthetic.Phone(clusters=(("4-7", "Cortex-A75", 2803),), threads=(threads,))
    run = synthetic.make_run(path, [phone], launches=8, rounds=4)
    shares = {"floor": floor, "visible": 0.011, "worst_visible": 0.034, "worst_layer": "conv2_3x3"}
    places = [
        {"cluster": "4-7", "cache": cache, "verdict": "passed", "pairs": 12, **shares} for cache in ("hot", "rotate")
    ]
    found = {"policy": "quick", "policy_digest": "d", "utc": "2026-11-28T12:00:00Z", "build_id": "b", "system": "s"}
    event = {"found": {**found, "suite": "calibrate-quick", "places": places}, "stale": [], **changes}
    EventLog(run / "devices/pixel-3/events.jsonl").add("calibration", **event)
    return write_report(run)


def test_what_a_calibration_found_stands_beside_the_tables(tmp_path: Path) -> None:
    done = calibrated(tmp_path / "run", 0.0061)
    html = " ".join(done.report.read_text().split())
    assert "Calibrated on 2026-11-28 under the policy quick, of calls on one thread: hot: noise floor 0.61 %" in html
    assert "noise floor 0.61 %, smallest difference that" in html
    assert "1.1 % (3.4 % at the worst), A/A passed; rotate: " in html


def test_ratios_below_the_noise_floor_are_told(tmp_path: Path) -> None:
    assert not any("noise floor" in text for text in calibrated(tmp_path / "quiet", 0.0001).weaknesses)
    (told,) = (text for text in calibrated(tmp_path / "loud", 0.9).weaknesses if "noise floor" in text)
    assert "ratio(s) keep clear of 1 by less than this device's noise floor (harness calibrate, 2026-11-28): " in told


def test_the_noise_floor_of_one_thread_is_none_of_several(tmp_path: Path) -> None:
    assert not any("noise floor" in text for text in calibrated(tmp_path / "run", 0.9, threads=4).weaknesses)


def test_a_stale_one_is_said_and_not_gone_by(tmp_path: Path) -> None:
    done = calibrated(tmp_path / "run", 0.9, stale=["it is 20 days old", "convbench is another build since"])
    assert "not relied on, since it is 20 days old, convbench is another build since" in done.report.read_text()
    (told,) = (text for text in done.weaknesses if "calibration" in text)
    assert told.endswith(
        "its calibration of 2026-11-28 is not relied on: it is 20 days old, convbench is another build since"
    )


@pytest.mark.parametrize(
    "change",
    [{"found": None}, {"found": {"places": [7]}}, {"found": []}, {"stale": 7}, {"stale": None}, {"stale": {}}],
    ids=["none", "odd", "list", "stale-number", "stale-none", "stale-mapping"],
)
def test_one_that_is_garbage_is_none(tmp_path: Path, change: dict[str, Any]) -> None:
    done = calibrated(tmp_path / "run", 0.9, **change)
    assert "Calibrated on" not in done.report.read_text()
    assert not any("noise floor" in text for text in done.weaknesses)


@pytest.mark.parametrize(("precision", "count"), [(None, 1), (0.01, 0)], ids=["without", "with"])
def test_a_layer_with_fewer_launches_is_a_weakness_only_without_a_precision(
    tmp_path: Path, precision: float | None, count: int
) -> None:
    run = report(tmp_path / "run", precision=precision).run_dir
    file = run / "devices/pixel-3/records.jsonl"
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    kept = [line for line in lines if line["type"] != "sample" or line["layer"] != "conv2_3x3" or line["launch"] < 4]
    file.write_text("".join(json.dumps(line) + "\n" for line in kept))
    assert sum("fewer launches than the others" in text for text in write_report(run).weaknesses) == count


def test_the_report_command_says_both(tmp_path: Path) -> None:
    path = report(tmp_path / "run", precision=0.5).run_dir
    told = Report(run=path)()
    assert told.value is not None
    assert [line for line in told.lines if line.startswith("A/A ")] == told.value["aa"] != []
    assert f"precision: {told.value['precision']}" in told.lines and told.value["precision"]
