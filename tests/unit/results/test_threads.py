"""Several numbers of threads in one run: rows, means and tables of each by itself; clusters with too few CPUs."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from types import ModuleType

import pytest

from harness.report.writer import write_report
from harness.results.results import make_results

pytestmark = pytest.mark.unit


@pytest.fixture
def run(synthetic: ModuleType, tmp_path: Path) -> Path:
    phone = synthetic.Phone(clusters=(("4-7", "Cortex-A75", 2803), ("8", "", 2900)), threads=(1, 4), faces=True)
    made: Path = synthetic.make_run(tmp_path / "run", [phone], layers=synthetic.LAYERS[:5], launches=4, rounds=2)
    return made


def table(run: Path, name: str) -> list[dict[str, str]]:
    with (run / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_rows_of_each_number_are_compared_among_themselves(run: Path) -> None:
    rows = make_results(run).rows
    assert len(
        {(row.key.cluster, row.key.threads, row.key.cache, row.key.layer, row.key.variant) for row in rows}
    ) == len(rows)
    measured = [row for row in rows if row.has_samples]
    assert {row.key.threads for row in measured if row.key.cluster == "4-7"} == {1, 4}
    assert all(partner.key.threads == row.key.threads for row in measured for partner in row.partners.values())
    times = {(r.key.threads, r.key.cluster, r.key.cache, r.key.layer, r.key.variant): r.time for r in measured}
    for (threads, cluster, cache, layer, variant), time in times.items():
        if threads == 4:
            alone = times[1, cluster, cache, layer, variant]
            assert time and alone and 3.5 < alone.value / time.value < 4.5
    assert all((row.peak_share is None) == (row.key.threads > 1) for row in measured if row.key.cache == "hot")


def test_a_cluster_with_too_few_cpus_is_a_row_with_its_reason(run: Path) -> None:
    few = [row for row in make_results(run).rows if (row.key.cluster, row.key.threads) == ("8", 4)]
    assert len(few) == 2 * 5 * 7  # cache modes, layers, variants
    assert {(row.status, row.reason) for row in few} == {("skip", "4 threads, but the cluster has 1 CPUs")}


def test_means_of_each_number_stand_apart(run: Path) -> None:
    summary = write_report(run)
    means = {
        (row["cluster"], row["threads"]): float(row["ratio"])
        for row in table(run, "categories")
        if (row["cache"], row["category"], row["algorithm"], row["other"], row["face"])
        == ("rotate", "larger", "indirect", "im2col", "published")
    }
    assert means.keys() == {("4-7", "1"), ("4-7", "4"), ("8", "1")}
    assert {(row["cluster"], row["threads"]) for row in table(run, "baseline")} == means.keys()
    places = [sentence.partition(": ")[0] for sentence in summary.sentences]
    assert places == [
        *("Pixel 3, CPUs 8", "Pixel 3, CPUs 8, 4 threads"),
        *("Pixel 3, CPUs 4-7 (Cortex-A75)", "Pixel 3, CPUs 4-7 (Cortex-A75), 4 threads"),
    ]
    assert "4 threads, but the cluster has 1 CPUs" in summary.sentences[1]
    page = summary.report.read_text()
    assert page.count("<figure") - page.count('<figure class="roofline">') == 2 * 3
    tables = re.findall(r'<table class="layers">.*?</table>', page, re.S)
    assert {"4 threads: " in text for text in tables} == {True, False}
    for text in tables:
        assert len(re.findall("--threads 4 ", text)) == ("4 threads: " in text) * text.count("<code>harness run ")
    assert "| 4 |" in (run / "summary.md").read_text()


def test_a_device_that_tells_no_cpus_has_missing_rows(run: Path) -> None:
    file = run / "devices/pixel-3/device.json"
    device = json.loads(file.read_text())
    for cluster in device["clusters"]:
        cluster["cpus"] = None
    file.write_text(json.dumps(device))
    few = [row for row in make_results(run).rows if (row.key.cluster, row.key.threads) == ("8", 4)]
    assert {row.status for row in few} == {"missing"}


@pytest.mark.parametrize("threads", [None, [], "4", [0, -1], ["1"], [True]])
def test_a_manifest_without_threads_had_one(run: Path, threads: object) -> None:
    manifest = json.loads((run / "manifest.json").read_text())
    (run / "manifest.json").write_text(json.dumps(manifest | {"threads": threads}))
    assert make_results(run).run.threads == [1]
