"""Workers of somebody else in results and report: beside ours, in the same rounds, and in nothing of the paper's."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from harness.report.writer import write_report
from tests.variants import fields

pytestmark = pytest.mark.unit

TIMES = {"indirect": 1.0, "im2col": 1.25, "direct": 0.8}  # as published; best: 0.5 of it, auto 0.4
Record = dict[str, Any]


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def edit(run: Path, change: Callable[[Record], Iterator[Record]], device: str = "pixel-3") -> None:
    """``change(record)`` gives the records that stand in its place."""
    path = run / "devices" / device / "records.jsonl"
    records = [json.loads(line) for line in path.read_text().splitlines()]
    found = [new for record in records for new in change(record)]
    lines = [
        {**new, "seq": n} | ({"records": len(found)} if new["type"] == "end" else {}) for n, new in enumerate(found)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def add(run: Path, *names: str, device: str = "pixel-3", faults: dict[str, Record] | None = None) -> None:
    """Workers with samples of 0.25, 0.5, ... of indirect's time, without evidence; ``faults``: in their place."""

    def change(record: Record) -> Iterator[Record]:
        if record["type"] == "sample" and "ns" in record:
            best = 1.0 if record["face"] == "published" else 0.4 if record["asked"] == "auto" else 0.5
            record |= {"ns": 1e6 * best * TIMES[record["algorithm"]] * (1 + record["launch"])}
        yield record
        if record["type"] != "sample" or record["asked"] != "indirect":
            return
        for n, name in enumerate(names, start=1):
            what = fields(name, cache=record["cache"], face="best", build=name)
            if name in (faults or {}):
                yield {**what, "seq": 0, "launch": record["launch"], "layer": record["layer"], **(faults or {})[name]}
                continue
            unknown = dict.fromkeys(("settle_ns", "settle_capped", "cpu_before", "cpu_after", "nivcsw", "faults"))
            unknown |= dict.fromkeys(("gflops_before", "gflops_after", "gbps_before", "gbps_after"))
            told = {"ns": 1e6 * n / 4 * (1 + record["launch"]), "pid": 9000 + n, "addresses": {}}
            yield {**record, "mhz_before": None, "mhz_after": None, **unknown, "position": 100 + n, **what, **told}

    edit(run, change, device)
    plan = [json.loads(line) for line in (run / "plan.jsonl").read_text().splitlines()]
    for line in plan:
        line["variants"] += names
    (run / "plan.jsonl").write_text("".join(json.dumps(line) + "\n" for line in plan))


@pytest.fixture
def run(synthetic: ModuleType, tmp_path: Path) -> Path:
    """Three layers on one cluster, 4 launches of 2 rounds, both cache modes and faces."""
    phone = synthetic.Phone(clusters=(("4-7", "Cortex-A75", 2803),), faces=True)
    chosen = [synthetic.LAYERS[n] for n in (1, 4, 6)]
    made: Path = synthetic.make_run(tmp_path / "run", [phone], chosen, launches=4, rounds=2)
    return made


def ratios(run: Path) -> dict[tuple[str, str, str], float]:
    """Of workers.csv in hot: by layer, algorithm, other."""
    return {
        (r["layer"], r["algorithm"], r["other"]): float(r["ratio"])
        for r in read_csv(run / "workers.csv")
        if r["cache"] == "hot"
    }


def test_a_worker_is_compared_with_each_of_ours_at_its_best_both_ways(run: Path) -> None:
    add(run, "xnn")
    write_report(run)
    row = next(r for r in read_csv(run / "results.csv") if r["variant"] == "xnn" and r["layer"] == "fire2_squeeze_1x1")
    assert (row["algorithm"], row["face"], row["build"], row["status"]) == ("xnn", "best", "xnn", "ok")
    assert float(row["ratio_im2col"]) == pytest.approx(0.625 / 0.25)
    assert float(row["ratio_direct"]) == pytest.approx(0.4 / 0.25)
    found = ratios(run)
    of_layer = {key[1:]: value for key, value in found.items() if key[0] == "fire2_squeeze_1x1"}
    assert {key: value for key, value in of_layer.items() if key[0] == "xnn"} == pytest.approx(
        {("xnn", "auto"): 0.32 / 0.25, ("xnn", "indirect"): 2, ("xnn", "im2col"): 2.5, ("xnn", "direct"): 1.6}
    )
    for (layer, algorithm, other), value in found.items():
        assert value * found[layer, other, algorithm] == pytest.approx(1)
    assert all(r["low"] and r["high"] for r in read_csv(run / "workers.csv"))


def test_means_stand_in_categories_in_face_best_both_ways(run: Path) -> None:
    write_report(run)
    before = (run / "categories.csv").read_text().splitlines()
    add(run, "xnn")
    summary = write_report(run)
    rows = read_csv(run / "categories.csv")
    of_worker = [r for r in rows if "xnn" in (r["algorithm"], r["other"])]
    assert {r["face"] for r in of_worker} == {"best"}
    means = {(r["category"], r["algorithm"], r["other"]): float(r["ratio"]) for r in of_worker if r["cache"] == "hot"}
    assert means["larger", "xnn", "auto"] == pytest.approx(0.4 / 0.25)
    assert means["larger", "auto", "xnn"] == pytest.approx(0.25 / 0.4)
    assert set(means) == {*((c, *pair) for c in ("larger", "1x1s2", "1x1s1") for o in ("auto", "indirect", "im2col")
                            for pair in (("xnn", o), (o, "xnn"))),
                          ("1x1s1", "xnn", "direct"), ("1x1s1", "direct", "xnn")}  # fmt: skip
    assert len(rows) == len(before) - 1 + len(of_worker)
    assert not any("xnn" in sentence for sentence in summary.sentences)


def test_without_best_schedules_the_published_form_stands_for_ours(synthetic: ModuleType, tmp_path: Path) -> None:
    phone = synthetic.Phone(clusters=(("4-7", "", 2803),))
    run = synthetic.make_run(tmp_path / "run", [phone], [synthetic.LAYERS[1]], launches=4, rounds=2)
    add(run, "xnn")
    summary = write_report(run)
    assert ratios(run)["conv2_3x3", "xnn", "indirect"] == pytest.approx(4)
    assert summary.workers == ("xnn: indirect is 0.25x [0.25, 0.25] of its speed on larger kernels (1 layer) [rotate]",)
    assert "as published" in summary.report.read_text().partition("xnn beside ours, layer by layer")[2]


def test_the_terminal_ends_with_a_line_for_each_worker(run: Path) -> None:
    died = {"type": "error", "signal": 11, "reason": "died of signal 11"}
    lied = {"type": "check", "by": "reference", "outputs": 1, "error_over_bound": 9.0, "ok": False}
    add(run, "a", "b", "c", faults={"b": died, "c": lied})
    summary = write_report(run)
    one, two, three = summary.answer[-3:]
    assert re.match(r"a: auto is 0.62x \[0.62, 0.6.\] of its speed on larger kernels \(1 layer\); auto is ", one)
    assert two == "b: not measured (rows: 6 error): launch 1: died of signal 11 (signal 11)"
    assert three == "c: not measured (rows: 6 wrong): launch 1: wrong by reference, error 9 x the bound"
    rows = {(r["variant"], r["status"], r["median_ns"] != "") for r in read_csv(run / "results.csv")
            if r["variant"] in "abc"}  # fmt: skip
    assert rows == {("a", "ok", True), ("b", "error", False), ("c", "wrong", False)}
    assert not any(text.startswith(("b", "c")) for text in summary.heavy)
    weak = [text for text in summary.weaknesses if re.search(r"CPUs 4-7: [abc]: ", text)]
    assert len(weak) == 2 and "crashed, hung or failed" in weak[0] and "gave a wrong result" in weak[1]
    assert sum("a does not tell of its samples" in text for text in summary.weaknesses) == 1


def test_a_planned_worker_without_a_sample_is_missing(run: Path) -> None:
    add(run)
    plan = [json.loads(line) for line in (run / "plan.jsonl").read_text().splitlines()]
    (run / "plan.jsonl").write_text(
        "".join(json.dumps({**p, "variants": [*p["variants"], "xnn"]}) + "\n" for p in plan)
    )
    summary = write_report(run)
    rows = [r for r in read_csv(run / "results.csv") if r["algorithm"] == "xnn"]
    assert {(r["status"], r["build"], r["face"]) for r in rows} == {("missing", "xnn", "best")}
    assert summary.workers == ("xnn: not measured (rows: 6 missing): planned, without a sample",)
    assert not (run / "workers.csv").exists()


def test_what_failed_of_a_worker_is_told_with_its_threads(synthetic: ModuleType, tmp_path: Path) -> None:
    phone = synthetic.Phone(clusters=(("4-7", "Cortex-A75", 2803),), threads=(1, 2))
    made = synthetic.make_run(tmp_path / "run", [phone], synthetic.LAYERS[1:2], launches=4, rounds=2, caches=["hot"])
    add(made)
    plan = [json.loads(line) for line in (made / "plan.jsonl").read_text().splitlines()]
    lines = [json.dumps({**line, "variants": [*line["variants"], "xnn"]}) for line in plan]
    (made / "plan.jsonl").write_text("\n".join(lines) + "\n")
    (told,) = (text for text in write_report(made).weaknesses if "xnn: 2 variant(s)" in text)
    assert "conv2_3x3 (hot): planned" in told and "conv2_3x3 on 2 threads (hot): planned" in told


_COUNTS = r'(?s)<p class="note"><b>Samples.*?</p>'  # the worker has samples and weaknesses of its own


def test_the_report_shows_it_beside_ours_and_in_nothing_of_the_paper_s(run: Path) -> None:
    write_report(run)
    plain = (run / "report.html").read_text()
    add(run)  # exact times, no worker
    write_report(run)
    without = (run / "report.html").read_text()
    add(run, "xnn")
    summary = write_report(run)
    html = summary.report.read_text()
    assert "Workers of somebody else beside ours" in html
    assert "Workers of somebody else" not in plain
    for name in ("answer", "devices", "paper"):
        section = html.partition(f'id="{name}"')[2].partition("</section>")[0]
        # Rows move in results.csv, so the numbers' sources do; what they say does not.
        other = without.partition(f'id="{name}"')[2].partition("</section>")[0]
        plain_text = [re.sub(r":\d+:", ":n:", re.sub(_COUNTS, "", text)) for text in (section, other)]
        assert plain_text[0] == plain_text[1]
        assert "xnn" not in section
    best = html.partition("Best face: ")[2].partition("Workers of somebody else beside ours")[0]
    assert best and "xnn" not in best
    cells = re.findall(r'data-source="workers\.csv:(\d+):ratio">([^<]+)<', html)
    rows = read_csv(run / "workers.csv")
    assert len(cells) == len([r for r in rows if r["algorithm"] == "xnn"])
    for number, text in cells:
        assert rows[int(number) - 1]["algorithm"] == "xnn"
        assert float(text) == pytest.approx(float(rows[int(number) - 1]["ratio"]), abs=0.01)
    markdown = (run / "summary.md").read_text()
    assert "### xnn beside ours, cold weights" in markdown
    table = markdown.partition("### xnn beside ours")[2]
    assert "| over auto | over indirect | over im2col | over direct |" in table
    assert "| conv2\\_3x3 |" in table


def test_a_hostile_name_stays_text(run: Path) -> None:
    add(run, "<b>x")
    html = write_report(run).report.read_text()
    assert "<b>x" not in html.replace("<b>Pixel", "")
    assert "&lt;b&gt;x beside ours" in html


def test_pairs_are_of_one_round_and_one_attempt(run: Path) -> None:
    def drifting(record: Record) -> Iterator[Record]:
        if record["type"] == "sample":
            record["ns"] *= 1 + record["round"] + 3 * (record["launch"] % 2)
            if record["algorithm"] == "xnn" and record["round"] == 1 and record["launch"] == 0:
                return  # without a partner that round counts for nothing
        yield record

    add(run, "xnn")
    edit(run, drifting)
    write_report(run)
    assert ratios(run)["conv2_3x3", "xnn", "im2col"] == pytest.approx(0.625 / 0.25)


def test_ten_workers_on_many_clusters_cost_as_much_each(synthetic: ModuleType, tmp_path: Path) -> None:
    """Counted, not timed: rows of workers.csv and means grow with workers times clusters, not with their square."""

    def rows(phones: int, workers: int) -> int:
        made = [synthetic.Phone(name=f"p{n}", clusters=(("4-7", "", 2803),)) for n in range(phones)]
        path = tmp_path / f"{phones}-{workers}"
        run = synthetic.make_run(path, made, [synthetic.LAYERS[1]], launches=1, rounds=1, caches=("hot",))
        for n in range(phones):
            add(run, *(f"w{m}" for m in range(workers)), device=f"p{n}")
        write_report(run)
        means = [r for r in read_csv(run / "categories.csv") if "w" in r["algorithm"][0] + r["other"][0]]
        assert len(means) == len(read_csv(run / "workers.csv"))
        return len(means)

    assert rows(1, 1) == 4
    assert rows(3, 1) == 12
    assert rows(3, 4) == 48
