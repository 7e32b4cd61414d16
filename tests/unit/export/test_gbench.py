"""Google Benchmark JSON: by its reporter's keys, and by its own compare.py."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from benchmarks import synthetic
from harness.export import gbench
from harness.export.subject import of_run
from harness.results.results import Results, make_results

pytestmark = pytest.mark.unit

CLUSTERS = (("4-7", "Cortex-A75", 2803),)
LAYERS = synthetic.LAYERS[1:2]
COMMON = {"name", "family_index", "per_family_instance_index", "run_name", "run_type", "repetitions", "threads"}
TIMES = {"iterations", "real_time", "cpu_time", "time_unit"}
CONTEXT = {
    "date", "host_name", "executable", "num_cpus", "mhz_per_cpu", "cpu_scaling_enabled", "caches", "load_avg",
    "library_version", "library_build_type", "json_schema_version",
}  # fmt: skip


def exported(results: Results) -> Any:
    return json.loads("".join(gbench.text(of_run(results))))


def test_the_keys_are_those_of_its_reporter(results: Results) -> None:
    value = exported(results)
    assert set(value) == {"context", "benchmarks"}
    assert set(value["context"]) >= CONTEXT
    assert value["context"]["json_schema_version"] == 1
    assert "drops those pairs" in value["context"]["note"]
    for item in value["benchmarks"]:
        assert set(item) >= COMMON | TIMES
        assert item["run_type"] in ("iteration", "aggregate")
        assert item["time_unit"] == "ns"
        assert ("repetition_index" in item) == (item["run_type"] == "iteration")
        assert ("aggregate_name" in item) == (item["run_type"] == "aggregate")


def test_each_sample_is_a_repetition_and_a_tainted_one_is_skipped(results: Results) -> None:
    items = [item for item in exported(results)["benchmarks"] if item["run_type"] == "iteration"]
    rows = {entry.full_name: entry.row for entry in of_run(results).entries}
    by_name = defaultdict(list)
    for item in items:
        by_name[item["run_name"]].append(item)
    for name, row in rows.items():
        assert row is not None
        found = by_name[name]
        if row.status == "ok":
            valid = [item["real_time"] for item in found if not item.get("skipped")]
            tainted = [item for item in found if item.get("skipped")]
            assert sorted(valid) == sorted(each.value for each in row.observations)
            assert len(tainted) == len(row.tainted)
            assert {item["skip_message"] for item in tainted} <= {"PREEMPTED"}
            assert [item["repetition_index"] for item in found] == list(range(len(found)))
            assert {item["repetitions"] for item in found} == {len(found)}
    im2col = by_name["pixel-3/conv2_3x3/im2col/neon_8x8/rotate/cpus:4-7"]
    assert [item["name"].removeprefix(item["run_name"]) for item in im2col] == [""] * 8 + ["/tainted"] * 4
    for item in im2col[8:]:
        assert item["cpu_time"] == pytest.approx(0.9 * item["real_time"])


def test_no_name_of_a_benchmark_holds_what_does_not_count(results: Results) -> None:
    names = {entry.full_name for entry in of_run(results).measured}
    for item in exported(results)["benchmarks"]:
        if item.get("skipped") or item.get("error_occurred"):
            assert item["name"] not in names
            assert item["name"].startswith(item["run_name"] + "/")
            assert item.get("skip_message") or item.get("error_message")


def test_every_row_that_does_not_count_is_there_with_its_reason(results: Results) -> None:
    items: dict[str, list[Any]] = defaultdict(list)
    for item in exported(results)["benchmarks"]:
        items[item["name"]].append(item)
    told = {
        entry.status: items[f"{entry.full_name}/{entry.status}"]
        for entry in of_run(results).entries
        if entry.status != "ok"
    }
    assert {status: len(found) for status, found in told.items() if status != "unjudged"} == dict.fromkeys(
        ("skip", "error", "wrong", "missing"), 1
    )
    failed = {status for status, found in told.items() if found[0].get("error_occurred")}
    assert failed == {"error", "wrong", "missing"}
    assert "direct covers 1x1 stride 1" in told["skip"][0]["skip_message"]
    assert "crashed & burned (signal 11)" in told["error"][0]["error_message"]
    unjudged = next(row for row in results.rows if row.status == "unjudged" and row.tainted)
    name = of_run(results).entries[unjudged.number - 1].full_name
    assert len(items[f"{name}/unjudged"]) == len(unjudged.observations) > 0
    assert len(items[f"{name}/tainted"]) == len(unjudged.tainted)
    assert all("samples are valid" in item["skip_message"] for item in items[f"{name}/unjudged"])
    assert name not in items and f"{name}_median" not in items


def test_median_and_interval_are_aggregates_with_the_verdict_as_label(results: Results) -> None:
    row = next(row for row in results.rows if row.status == "ok")
    name = of_run(results).entries[row.number - 1].full_name
    found = {i["aggregate_name"]: i for i in exported(results)["benchmarks"]
             if i["run_name"] == name and i["run_type"] == "aggregate"}  # fmt: skip
    assert row.time is not None
    assert {key: item["real_time"] for key, item in found.items()} == {
        "median": row.time.value, "ci95_low": row.time.low, "ci95_high": row.time.high,
    }  # fmt: skip
    assert found["median"]["name"] == f"{name}_median"
    assert "times as fast as im2col" in found["median"]["label"]


def test_of_several_devices_nothing_is_told_that_they_do_not_share(two_phones: Path) -> None:
    context = exported(make_results(two_phones))["context"]
    assert (context["num_cpus"], context["mhz_per_cpu"]) == (0, 0)
    assert context["devices"] == {"pixel-3": "Pixel 3", "virtual": "Pixel 3 XL"}
    assert context["conditions"] == {"virtual": "EMULATED"}


def test_compare_py_finds_a_slower_build(compare_py: Path, tmp_path: Path) -> None:
    """Its U test sees im2col 30 % slower, and indirect as it was; of tainted samples it sees nothing."""
    times = {"base": 1.3, "new": 1.69}
    for name, im2col in times.items():
        phone = synthetic.Phone(clusters=CLUSTERS, truth=synthetic.Truth({"larger": im2col}, spread=0.0))
        run = synthetic.make_run(tmp_path / name, [phone], LAYERS, launches=4, rounds=4, caches=["hot"], seed=7)
        (tmp_path / f"{name}.json").write_text("".join(gbench.text(of_run(make_results(run)))))
    out = tmp_path / "out.json"
    command = [sys.executable, str(compare_py), "-d", str(out), "benchmarks", "base.json", "new.json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = {item["name"]: item for item in json.loads(out.read_text())}
    im2col, indirect = (found[f"pixel-3/conv2_3x3/{name}/neon_8x8/hot/cpus:4-7"] for name in ("im2col", "indirect"))
    assert im2col["utest"]["nr_of_repetitions"] == 16
    assert im2col["utest"]["time_pvalue"] < 1e-5
    median = found["pixel-3/conv2_3x3/im2col/neon_8x8/hot/cpus:4-7_median"]["measurements"][0]["time"]
    assert median == pytest.approx(0.3, abs=0.05)
    assert all(abs(each["time"]) < 0.1 for each in indirect["measurements"])
