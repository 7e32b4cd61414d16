"""Rows of results.csv and categories.csv from records."""

from __future__ import annotations

import csv
import json
import math
import statistics
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from harness.errors import HarnessError
from harness.report.writer import write_report

pytestmark = pytest.mark.unit

COLUMNS = (
    "device,cluster,threads,cache,build,layer,category,algorithm,variant,schedule,face,type,layout,status,n_valid,n_tainted,median_ns,low_ns,"
    "high_ns,gflops,peak_share,extra_bytes,matrix_bytes,pointer_bytes,copy_ns,create_ns,reshape_ns,ratio_im2col,"
    "ratio_im2col_low,ratio_im2col_high,ratio_direct,ratio_direct_low,ratio_direct_high,visible,emulated,conditions,"
    "to_nchw_ns,to_nhwc_ns,error_over_bound,max_error"
)


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def edit(run: Path, change: Any, device: str = "pixel-3") -> None:
    """Rewrites a device's records: ``change(record)`` gives the records that stand in its place."""
    path = run / "devices" / device / "records.jsonl"
    records = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps(new) + "\n" for record in records for new in change(record)))


@pytest.fixture
def small(synthetic: ModuleType, tmp_path: Path) -> Path:
    """Three layers on one cluster, 4 launches of 2 rounds, both cache modes."""
    phone = synthetic.Phone(clusters=(("4-7", "Cortex-A75", 2803),))
    chosen = [synthetic.LAYERS[n] for n in (1, 4, 6)]
    made = synthetic.make_run(tmp_path / "run", [phone], chosen, launches=4, rounds=2)
    assert isinstance(made, Path)
    return made


def test_columns_and_order(small: Path) -> None:
    write_report(small)
    header = (small / "results.csv").read_text().splitlines()[0]
    assert header == COLUMNS
    categories = (small / "categories.csv").read_text().splitlines()[0]
    assert (
        categories
        == "device,cluster,cache,category,algorithm,other,face,ratio,low,high,visible,layers,emulated,threads"
    )
    rows = read_csv(small / "results.csv")
    assert {r["variant"] for r in rows if r["status"] == "skip"} == {"direct/neon_8x8"}
    assert [(r["cache"], r["layer"], r["algorithm"], r["status"]) for r in rows[:9]] == [
        ("rotate", "conv2_3x3", "indirect", "ok"),
        ("rotate", "conv2_3x3", "im2col", "ok"),
        ("rotate", "conv2_3x3", "direct", "skip"),
        ("rotate", "conv3_proj_1x1s2", "indirect", "ok"),
        ("rotate", "conv3_proj_1x1s2", "im2col", "ok"),
        ("rotate", "conv3_proj_1x1s2", "direct", "skip"),
        ("rotate", "fire2_squeeze_1x1", "indirect", "ok"),
        ("rotate", "fire2_squeeze_1x1", "im2col", "ok"),
        ("rotate", "fire2_squeeze_1x1", "direct", "ok"),
    ]
    assert len(rows) == 18


def test_golden_row(small: Path) -> None:
    """Exact times: every number of a row worked out by hand."""

    def exact(record: dict[str, Any]) -> list[dict[str, Any]]:
        if record["type"] == "sample":
            factor = {"indirect": 1.0, "im2col": 1.25, "direct": 0.8}[record["algorithm"]]
            record |= {"ns": 1e6 * factor * (1 + record["launch"]), "mhz_before": 2000.0, "mhz_after": 2000.0}
            record |= dict.fromkeys(("gflops_before", "gflops_after"))  # of the clock that was there
        return [record]

    edit(small, exact)
    write_report(small)
    rows = {(r["cache"], r["layer"], r["algorithm"]): r for r in read_csv(small / "results.csv")}
    row = rows["hot", "conv2_3x3", "indirect"]
    # launches of 1, 2, 3, 4 ms: median 2.5 ms; t(0.975, 3) = 3.182446
    half = math.exp(3.182446305 * statistics.stdev(map(math.log, (1, 2, 3, 4))) / 2)
    flop = 2 * 56 * 56 * 9 * 64 * 64
    assert row["median_ns"] == "2500000"
    assert float(row["low_ns"]) == pytest.approx(2.5e6 / half, rel=1e-5)
    assert float(row["high_ns"]) == pytest.approx(2.5e6 * half, rel=1e-5)
    assert float(row["gflops"]) == pytest.approx(flop / 2.5e6)
    shares = sorted(flop / (1e6 * n * 2.0) / 16 for n in (1, 2, 3, 4))
    assert float(row["peak_share"]) == pytest.approx((shares[1] + shares[2]) / 2)
    assert (row["ratio_im2col"], row["ratio_im2col_low"], row["ratio_im2col_high"]) == ("1.25", "1.25", "1.25")
    assert (row["ratio_direct"], row["n_valid"], row["n_tainted"], row["emulated"]) == ("", "8", "0", "0")
    assert (row["pointer_bytes"], row["matrix_bytes"], row["extra_bytes"]) == ("225792", "0", "225856")
    assert (row["build"], row["threads"], row["variant"]) == ("0123456789ab", "1", "indirect/neon_8x8")
    other = rows["hot", "conv2_3x3", "im2col"]
    assert (other["ratio_im2col"], other["matrix_bytes"], other["copy_ns"]) == ("", "7225344", "903168")
    assert rows["rotate", "conv2_3x3", "indirect"]["peak_share"] == ""
    pointwise = rows["rotate", "fire2_squeeze_1x1", "direct"]
    assert (pointwise["ratio_im2col"], pointwise["ratio_direct"]) == ("1.5625", "")
    means = {(r["cache"], r["category"], r["algorithm"], r["other"]): r for r in read_csv(small / "categories.csv")}
    assert means["hot", "larger", "indirect", "im2col"]["ratio"] == "1.25"
    assert means["hot", "1x1s1", "direct", "indirect"]["ratio"] == "1.25"
    assert means["hot", "1x1s1", "indirect", "direct"]["ratio"] == "0.8"
    assert means["hot", "1x1s1", "indirect", "direct"]["layers"] == "1"


def test_wrong_result_has_no_time_and_no_ratio_against_it(small: Path, synthetic: ModuleType) -> None:
    def broken(record: dict[str, Any]) -> list[dict[str, Any]]:
        check = {
            **{"type": "check", "seq": 1, "launch": 2, "layer": "conv2_3x3"},
            **{
                **synthetic.Way("im2col").fields(),
                "by": "reference",
                "outputs": 9,
                "error_over_bound": 4e5,
                "ok": False,
            },
        }
        return [record, check] if record["type"] == "header" else [record]

    edit(small, broken)
    summary = write_report(small)
    rows = {(r["cache"], r["layer"], r["algorithm"]): r for r in read_csv(small / "results.csv")}
    wrong = rows["hot", "conv2_3x3", "im2col"]
    assert (wrong["status"], wrong["median_ns"], wrong["n_valid"], wrong["copy_ns"]) == ("wrong", "", "0", "")
    assert rows["hot", "conv2_3x3", "indirect"]["ratio_im2col"] == ""
    assert not any(r["category"] == "larger" for r in read_csv(small / "categories.csv"))
    assert summary.statuses["wrong"] == 2
    assert any("wrong result" in weakness for weakness in summary.weaknesses)


def test_error_keeps_samples_but_leaves_the_means(small: Path, synthetic: ModuleType) -> None:
    def crashed(record: dict[str, Any]) -> list[dict[str, Any]]:
        if record["type"] == "sample" and record["layer"] == "conv2_3x3" and record["launch"] == 3:
            if record["algorithm"] != "im2col":
                return [record]
            return [
                {
                    **{"type": "error", "seq": 5, "launch": 3, "layer": "conv2_3x3"},
                    **{**synthetic.Way("im2col").fields(), "signal": 11, "reason": "killed"},
                }
            ]
        return [record]

    edit(small, crashed)
    write_report(small)
    rows = {(r["cache"], r["layer"], r["algorithm"]): r for r in read_csv(small / "results.csv")}
    assert rows["hot", "conv2_3x3", "im2col"]["status"] == "error"
    assert rows["hot", "conv2_3x3", "im2col"]["n_valid"] == "6"
    assert rows["hot", "conv2_3x3", "indirect"]["status"] == "ok"
    assert rows["hot", "conv2_3x3", "indirect"]["ratio_im2col"]
    assert rows["hot", "conv2_3x3", "indirect"]["ratio_im2col_low"] == ""
    assert not any(r["category"] == "larger" for r in read_csv(small / "categories.csv"))
    assert "signal 11" in (small / "report.html").read_text()


def test_planned_without_sample_is_missing(small: Path) -> None:
    edit(small, lambda r: [] if r.get("layer") == "conv3_proj_1x1s2" and r.get("cache") != "hot" else [r])
    write_report(small)
    rows = read_csv(small / "results.csv")
    missing = [r for r in rows if r["status"] == "missing"]
    assert {(r["cache"], r["layer"], r["algorithm"]) for r in missing} == {
        ("rotate", "conv3_proj_1x1s2", "indirect"),
        ("rotate", "conv3_proj_1x1s2", "im2col"),
        ("rotate", "conv3_proj_1x1s2", "direct"),
        ("hot", "conv3_proj_1x1s2", "direct"),
    }
    assert all(r["median_ns"] == "" and r["category"] == "1x1s2" for r in missing)


def test_what_was_always_ended_from_outside_is_an_error_for_that_reason(small: Path, synthetic: ModuleType) -> None:
    def killed(record: dict[str, Any]) -> list[dict[str, Any]]:
        if record["type"] != "sample" or record["algorithm"] != "im2col":
            return [record]
        error = {
            **{"type": "error", "seq": 5, "launch": record["launch"], "layer": record["layer"]},
            **synthetic.Way("im2col").fields(record["cache"]),
            **{"signal": 9, "external": True, "reason": "the worker was killed"},
        }
        return [error] if record["layer"] == "conv2_3x3" or record["round"] == 1 else [record]

    edit(small, killed)
    write_report(small)
    rows = {(r["cache"], r["layer"], r["algorithm"]): r for r in read_csv(small / "results.csv")}
    assert {rows[cache, "conv2_3x3", "im2col"]["status"] for cache in ("hot", "rotate")} == {"error"}
    assert rows["hot", "conv3_proj_1x1s2", "im2col"]["status"] == "ok"  # it was measured at other times
    html = (small / "report.html").read_text()
    assert "planned, without a sample; launch 4: the worker was killed (signal 9)" in html


def test_memory_that_was_refused_is_an_error_until_it_is_had(small: Path, synthetic: ModuleType) -> None:
    def refused(record: dict[str, Any]) -> list[dict[str, Any]]:
        if record["type"] not in ("sample", "layer") or record["algorithm"] != "im2col":
            return [record]
        skip = {"type": "skip", "seq": 5, "layer": record["layer"], **synthetic.Way("im2col").fields("hot")}
        told = {**skip, "cache": "", "reason": "too little memory", "bytes": 300 << 20}
        if record["layer"] == "conv3_proj_1x1s2":
            return [told, record]  # refused in one attempt, had in the next
        return [told if record["layer"] == "conv2_3x3" else {**told, "bytes": 3 << 30}]

    edit(small, refused)
    write_report(small)
    rows = {(r["layer"], r["algorithm"]): r["status"] for r in read_csv(small / "results.csv") if r["cache"] == "hot"}
    assert rows["conv2_3x3", "im2col"] == "error"
    assert rows["conv3_proj_1x1s2", "im2col"] == "ok"
    assert rows["fire2_squeeze_1x1", "im2col"] == "skip"  # more than any sample may take


@pytest.mark.parametrize(("event", "status"), [("given up", "error"), ("out of reach", "missing")])
def test_why_a_cluster_was_not_measured_stands_at_its_rows(small: Path, event: str, status: str) -> None:
    job = {"device": "pixel-3", "cluster": "0-3", "launch": 0, "layer": "conv2_3x3", "variants": ["im2col"], "seed": 1}
    with (small / "plan.jsonl").open("a") as plan:
        plan.write(json.dumps(job) + "\n")
    events = small / "devices/pixel-3/events.jsonl"
    events.write_text(json.dumps({"event": event, "cluster": "0-3", "why": "its CPUs are offline"}) + "\n")
    write_report(small)
    rows = [row for row in read_csv(small / "results.csv") if row["cluster"] == "0-3"]
    assert {row["status"] for row in rows} == {status}
    assert "planned, without a sample; its CPUs are offline" in (small / "report.html").read_text()


def test_pairs_never_cross_processes(small: Path) -> None:
    def restarted(record: dict[str, Any]) -> list[dict[str, Any]]:
        if record["type"] == "sample" and record["algorithm"] == "im2col":
            record["pid"] += 500
        return [record]

    edit(small, restarted)
    write_report(small)
    assert all(r["ratio_im2col"] == "" for r in read_csv(small / "results.csv") if r["category"] == "larger")


def test_three_launches_have_no_interval_and_say_so(synthetic: ModuleType, tmp_path: Path) -> None:
    run = synthetic.make_run(tmp_path / "run", launches=3)
    summary = write_report(run)
    assert all(r["low"] == r["high"] == "" and r["ratio"] for r in read_csv(run / "categories.csv"))
    assert "indirect measured 1." in summary.sentences[0]
    assert "no interval: 3 of 4 launches needed" in summary.sentences[0]
    assert "faster" not in summary.sentences[0]


def test_a_sample_on_record_twice_is_an_error_that_names_it(small: Path) -> None:
    path = small / "devices" / "pixel-3" / "records.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines, lines[0], lines[40]]) + "\n")
    duplicate = json.loads(lines[40])
    assert duplicate["type"] == "sample"
    with pytest.raises(HarnessError) as caught:
        write_report(small)
    message = str(caught.value)
    for part in (str(path), duplicate["layer"], duplicate["variant"], f"round {duplicate['round']}"):
        assert part in message


def test_layers_of_one_shape_count_once(synthetic: ModuleType, tmp_path: Path) -> None:
    layers = [synthetic.layer("a", 28, 3, 64, 64), synthetic.layer("b", 28, 3, 64, 64)]
    run = synthetic.make_run(tmp_path / "run", layers=layers, launches=4)
    write_report(run)
    assert {r["layers"] for r in read_csv(run / "categories.csv")} == {"1"}


def test_resumed_attempts_are_one_result(small: Path) -> None:
    """Launches 2 and 3 come from a second run of convbench; the first one has no end."""
    path = small / "devices" / "pixel-3" / "records.jsonl"
    records = [json.loads(line) for line in path.read_text().splitlines()]
    write_report(small)
    whole = read_csv(small / "results.csv")
    first = [r for r in records if r.get("launch", 0) < 2 and r["type"] != "end"]
    second = [records[0] | {"attempt": 2}, *(r for r in records[1:] if r.get("launch", 0) >= 2 or r["type"] == "end")]
    path.write_text("".join(json.dumps(r) + "\n" for r in first + second))
    summary = write_report(small)
    assert read_csv(small / "results.csv") == whole
    assert any("attempt 1 has no end record" in weakness for weakness in summary.weaknesses)


def test_what_is_asked_for_under_two_names_is_one_row(small: Path, synthetic: ModuleType) -> None:
    named = {**synthetic.Way("im2col").fields(), "asked": "im2col/neon_8x8"}

    def again(record: dict[str, Any]) -> list[dict[str, Any]]:
        skip = {"type": "skip", "seq": 1, "layer": "conv2_3x3", **named, "reason": "the same as variant 0 of the plan"}
        return [record, skip] if record["type"] == "header" else [record]

    edit(small, again)
    plan = [json.loads(line) for line in (small / "plan.jsonl").read_text().splitlines()]
    lines = [{**job, "variants": [*job["variants"], "im2col/neon_8x8"]} for job in plan if job["layer"] == "conv2_3x3"]
    (small / "plan.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    write_report(small)
    rows = [r for r in read_csv(small / "results.csv") if r["layer"] == "conv2_3x3" and r["algorithm"] == "im2col"]
    assert [(r["cache"], r["status"]) for r in rows] == [("rotate", "ok"), ("hot", "ok")]


def test_of_several_schedules_as_published_the_default_one_answers(small: Path) -> None:
    def pixels(record: dict[str, Any]) -> list[dict[str, Any]]:
        if record["type"] not in ("sample", "layer") or record["algorithm"] == "direct":
            return [record]
        name = f"{record['algorithm']}/neon_8x8+pixels"
        other = {
            **record,
            "variant": name,
            "schedule": "neon_8x8+pixels",
            "asked": f"{record['algorithm']}/default+pixels",
        }
        if record["type"] == "sample":
            other |= {"position": record["position"] + 100, "ns": record["ns"] * (0.1 if "im2col" in name else 1)}
        return [record, other]

    write_report(small)
    before = read_csv(small / "categories.csv")
    edit(small, pixels)
    summary = write_report(small)
    assert read_csv(small / "categories.csv") == before
    assert any("several schedules ran as published (neon_8x8, neon_8x8+pixels)" in text for text in summary.weaknesses)
    assert "(the largest of 2 layers" in (small / "report.html").read_text()


def test_a_file_of_faults_alone_fills_no_page(small: Path) -> None:
    edit(small, lambda record: [{**record, "version": 1}] if record["type"] == "header" else [record])
    summary = write_report(small)
    assert sum("line " in text for text in summary.weaknesses) == 20
    assert any("more of the kind" in text for text in summary.weaknesses)
