"""Verdicts in rows and tables: what is left out, with whom, and what is left of it."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from harness.cli.report import Report
from harness.exit_codes import ExitCode
from harness.model.policy import Policy
from harness.report.writer import write_report

pytestmark = pytest.mark.unit

Change = Callable[[dict[str, Any]], None]


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def rows_of(run: Path) -> dict[tuple[str, str, str], dict[str, str]]:
    return {(r["cache"], r["layer"], r["algorithm"]): r for r in read_csv(run / "results.csv")}


def edit(run: Path, change: Change, *more: dict[str, Any]) -> None:
    """Rewrites the records: each sample as ``change`` leaves it; ``more`` stand behind the header."""
    path = run / "devices" / "pixel-3" / "records.jsonl"
    records = [json.loads(line) for line in path.read_text().splitlines()]
    for record in records:
        if record["type"] == "sample":
            change(record)
    path.write_text("".join(json.dumps(record) + "\n" for record in [records[0], *more, *records[1:]]))


def preempt(record: dict[str, Any], factor: float = 2.0) -> None:
    """Something else ran for half of the sample's time."""
    record |= {"span_ns": record["span_ns"] * factor, "ns": record["ns"] * factor, "nivcsw": 1}


@pytest.fixture
def small(synthetic: ModuleType, tmp_path: Path) -> Path:
    """Two layers on one cluster, 4 launches of 10 rounds, no drift."""
    phone = synthetic.Phone(clusters=(("4-7", "Cortex-A75", 2803),), drift=0.0)
    layers = [synthetic.LAYERS[n] for n in (1, 6)]
    made = synthetic.make_run(tmp_path / "run", [phone], layers, launches=4, rounds=10)
    assert isinstance(made, Path)
    return made


def test_a_tainted_sample_leaves_with_its_partner(small: Path) -> None:
    """Every third sample of im2col takes twice the time while something else runs: the ratio stays."""
    write_report(small)
    before = rows_of(small)

    def change(record: dict[str, Any]) -> None:
        if record["algorithm"] == "im2col" and record["round"] % 3 == 0:
            preempt(record)

    edit(small, change)
    summary = write_report(small)
    after = rows_of(small)
    here = ("rotate", "conv2_3x3")
    assert (after[*here, "im2col"]["n_valid"], after[*here, "im2col"]["n_tainted"]) == ("24", "16")
    assert (after[*here, "indirect"]["n_valid"], after[*here, "indirect"]["n_tainted"]) == ("40", "0")
    assert {row["status"] for row in after.values()} == {"ok", "skip"}
    ratio = float(after[*here, "indirect"]["ratio_im2col"])
    assert ratio == pytest.approx(float(before[*here, "indirect"]["ratio_im2col"]), rel=0.01)
    verdicts = read_csv(small / "verdicts.csv")
    assert len(verdicts) == 4 * 10 * 2 * (2 + 3)
    assert Counter(row["reasons"] for row in verdicts if row["verdict"] == "tainted") == {"PREEMPTED": 64}
    assert summary.judged.startswith("64 of 400 samples are tainted, judged by the policy default, rules of version 2")
    html = summary.report.read_text()
    assert "What they changed" in html and "PREEMPTED 64" in html
    every = [line for line in (small / "summary.md").read_text().splitlines() if line.startswith("- If every sample")]
    assert any("indirect over im2col, larger, pixel-3, CPUs 4-7, rotate, face published: " in line for line in every)


def test_what_verdicts_changed_is_told_by_threads(synthetic: ModuleType, tmp_path: Path) -> None:
    phone = synthetic.Phone(clusters=(("4-7", "Cortex-A75", 2803),), drift=0.0, threads=(1, 4))
    run = synthetic.make_run(tmp_path / "run", [phone], synthetic.LAYERS[1:2], 4, 10, ["hot"])

    def change(record: dict[str, Any]) -> None:
        if record["algorithm"] == "im2col" and record["round"] % 3 == 0:
            record["mhz_after"] = record["mhz_before"] / 2
            record["ns"] *= 2

    edit(run, change)
    html = write_report(run).report.read_text()
    for place in ("CPUs 4-7, hot", "CPUs 4-7 on 4 threads, hot"):
        assert f"larger kernels (pixel-3, {place}, face published)" in html
        assert f"larger, pixel-3, {place}, face published: " in (run / "summary.md").read_text()


def test_where_too_little_is_left_a_row_is_not_judged(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def change(record: dict[str, Any]) -> None:
        here = (record["algorithm"], record["layer"], record["cache"]) == ("im2col", "conv2_3x3", "hot")
        if here and record["round"]:
            preempt(record)

    edit(small, change)
    outcome = Report(run=small, as_json=True)()
    assert outcome.code == ExitCode.TOO_LITTLE_DATA
    rows = rows_of(small)
    lost = rows["hot", "conv2_3x3", "im2col"]
    assert (lost["status"], lost["n_valid"], lost["n_tainted"]) == ("unjudged", "4", "36")
    other = rows["hot", "conv2_3x3", "indirect"]
    assert (other["status"], other["ratio_im2col"], other["visible"], other["n_valid"]) == ("ok", "", "", "40")
    assert rows["rotate", "conv2_3x3", "indirect"]["ratio_im2col"]
    assert not any(r["category"] == "larger" and r["cache"] == "hot" for r in read_csv(small / "categories.csv"))
    assert "4 of 40 samples are valid (PREEMPTED 36)" in (small / "report.html").read_text()
    assert outcome.value and outcome.value["rows"]["unjudged"] == 1


def test_pairs_may_be_too_few_though_samples_are_not(small: Path) -> None:
    """Each has half of its samples, but never in the same round."""

    def change(record: dict[str, Any]) -> None:
        if record["layer"] == "conv2_3x3" and (record["algorithm"] == "im2col") == bool(record["round"] % 2):
            preempt(record)

    edit(small, change)
    assert write_report(small).code == ExitCode.TOO_LITTLE_DATA
    for row in (row for row in rows_of(small).values() if row["layer"] == "conv2_3x3" and row["status"] != "skip"):
        assert (row["status"], row["n_valid"], row["ratio_im2col"]) == ("unjudged", "20", "")
    assert "0 of 40 pairs are valid (PREEMPTED 20)" in (small / "report.html").read_text()


def test_an_old_run_is_judged_anew_without_a_device(small: Path, tmp_path: Path) -> None:
    strict = tmp_path / "strict.yaml"
    strict.write_text("least_clock: 1\nmost_clock_change: 0\nmost_lost: 0\n")
    edit(small, lambda record: record.update(mhz_after=record["mhz_after"] * 0.99))
    assert Report(run=small)().code == ExitCode.DONE
    relaxed = (small / "results.csv").read_text()
    assert Report(run=small, policy=str(strict))().code == ExitCode.TOO_LITTLE_DATA
    assert {row["status"] for row in rows_of(small).values()} == {"unjudged", "skip"}
    assert Report(run=small)().code == ExitCode.DONE
    assert (small / "results.csv").read_text() == relaxed


def test_records_without_the_evidence_are_judged_by_what_they_have(small: Path) -> None:
    def change(record: dict[str, Any]) -> None:
        for name in ("cpu_ns", "span_ns", "gflops_before", "gflops_after", "gbps_before", "gbps_after", "probe_ns"):
            del record[name]
        record["nivcsw"] = int(record["round"] == 0)

    edit(small, change)
    summary = write_report(small)
    assert summary.judged.startswith("40 of 400 samples are tainted")
    assert {row["reasons"] for row in read_csv(small / "verdicts.csv")} == {"", "PREEMPTED"}


def test_a_lowered_cap_and_a_restart_are_found(small: Path) -> None:
    """The cap was lower from one reading to the next; the device restarted in a round."""
    path = small / "devices" / "pixel-3" / "records.jsonl"
    records = [json.loads(line) for line in path.read_text().splitlines()]
    samples = [record for record in records if record["type"] == "sample"]
    name = "policy4/scaling_max_freq"
    readings = [(0, 2_803_000), (samples[9]["t_ns"] + 1, 2_000_000), (samples[14]["t_ns"] + 1, 2_803_000)]
    caps = [
        {
            "type": "telemetry",
            "seq": 0,
            "launch": 0,
            "t_ns": t_ns,
            "freq_khz": {name: khz, "policy4/scaling_cur_freq": 1},
        }
        for t_ns, khz in readings
    ]
    last = next(n for n, r in enumerate(records) if r["type"] == "sample" and (r["launch"], r["round"]) == (2, 5))
    again = [{**records[0], "attempt": 2, "boot_id": "b1"}, *records[last + 1 :]]
    path.write_text("".join(json.dumps(r) + "\n" for r in [records[0], *caps, *records[1 : last + 1], *again]))
    assert not any("capped the clock" in text for text in write_report(small).weaknesses)
    tainted = [row for row in read_csv(small / "verdicts.csv") if row["verdict"] == "tainted"]
    assert Counter(row["reasons"] for row in tainted)["CAPPED"] >= 5
    restarted = [row for row in tainted if row["reasons"] == "REBOOTED"]
    assert {(row["launch"], row["round"]) for row in restarted} == {("2", "5")}
    assert all(row["launch"] == "0" for row in tainted if row["reasons"] == "CAPPED")


def test_a_cap_that_stands_all_the_time_is_said_once(small: Path) -> None:
    khz = {"policy4/scaling_max_freq": 1_800_000}
    edit(small, lambda _: None, {"type": "telemetry", "seq": 0, "launch": 0, "t_ns": 0, "freq_khz": khz})
    summary = write_report(small)
    assert summary.judged.startswith("0 of 400 samples are tainted")
    assert sum("capped the clock throughout: at most 1800 of 2803 MHz" in text for text in summary.weaknesses) == 1


def test_what_one_side_alone_tells_of_leaves_no_pair_out(small: Path, synthetic: ModuleType) -> None:
    """A foreign worker that tells nothing beside ours: its disturbed samples stay, so do ours, else ours would gain."""
    path = small / "devices" / "pixel-3" / "records.jsonl"
    records = [json.loads(line) for line in path.read_text().splitlines()]
    silent = dict.fromkeys(
        ("cpu_ns", "span_ns", "gflops_before", "gflops_after", "gbps_before", "gbps_after", "nivcsw", "faults"), None
    ) | dict.fromkeys(("mhz_before", "mhz_after", "settle_capped", "settle_ns", "cpu_before", "cpu_after"), None)
    foreign = {**synthetic.Way("indirect").fields(), "algorithm": "xnn", "variant": "xnn", "asked": "xnn"}
    out = []
    for record in records:
        out.append(record)
        if record["type"] == "sample" and record["algorithm"] == "indirect":
            hit = record["round"] < 4
            own = {**foreign, "cache": record["cache"], "face": "best", "build": "xnn", "kernel": "", "schedule": ""}
            out.append({**record, **silent, **own, "position": 100, "ns": record["ns"] * (2 if hit else 1)})
            if hit:
                preempt(record)
    path.write_text("".join(json.dumps(record) + "\n" for record in out))
    write_report(small)
    ratios = [r for r in read_csv(small / "workers.csv") if r["algorithm"] == "xnn" and r["other"] == "indirect"]
    assert ratios and all(float(r["ratio"]) == pytest.approx(1.0, abs=1e-6) for r in ratios)
    ours = rows_of(small)["hot", "conv2_3x3", "indirect"]
    assert (ours["n_valid"], ours["n_tainted"]) == ("24", "16")


def test_the_policy_of_the_run_is_gone_by(small: Path) -> None:
    manifest = json.loads((small / "manifest.json").read_text())
    for policy, tainted in ((Policy(name="off", verdicts=False), 0), (Policy(name="on", most_faults=0), 400)):
        manifest["policy"] = policy.model_dump(mode="json")
        (small / "manifest.json").write_text(json.dumps(manifest))
        edit(small, lambda record: record.update(faults=1))
        summary = write_report(small)
        assert sum(row["verdict"] == "tainted" for row in read_csv(small / "verdicts.csv")) == tainted
        assert policy.name in summary.judged
    manifest["policy"] = {"least_clock": "much"}
    (small / "manifest.json").write_text(json.dumps(manifest))
    assert any("judged by the default one" in text for text in write_report(small).weaknesses)


def test_the_smallest_difference_to_be_seen(small: Path) -> None:
    """That of four launches: by the spread of their means, 5.014 standard errors."""
    write_report(small)
    rows = [row for row in rows_of(small).values() if row["ratio_im2col_low"] and not row["ratio_direct"]]
    assert rows
    for row in rows:
        half = (float(row["ratio_im2col_high"]) / float(row["ratio_im2col_low"])) ** 0.5
        assert 1 + float(row["visible"]) == pytest.approx(half ** (5.01379 / 3.18245), rel=1e-4)
