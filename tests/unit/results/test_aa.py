"""A/A pairs: what they tell, and that they are in no other comparison."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from benchmarks import synthetic
from harness.compare.comparison import compare_runs
from harness.export.formats import TABLES
from harness.export.subject import of_run
from harness.results.aa import AaSummary, aa_summaries
from harness.results.results import Results, make_results

pytestmark = pytest.mark.unit


def results(path: Path, aa: float | None, launches: int = 8) -> Results:
    phone = synthetic.Phone(clusters=(("4-7", "Cortex-A75", 2803),), aa=aa, faces=True)
    return make_results(synthetic.make_run(path, [phone], launches=launches, rounds=4))


def table(found: Results, name: str) -> list[dict[str, str]]:
    (wanted,) = (table for table in found.tables() if table.name == name)
    return list(csv.DictReader(TABLES["csv"](wanted).splitlines()))


def test_a_variant_beside_itself_passes(tmp_path: Path) -> None:
    found = results(tmp_path / "run", 1.0)
    rows = table(found, "aa")
    assert len(rows) == len(synthetic.LAYERS) * 2
    assert list(rows[0]) == (
        [
            "device",
            "cluster",
            "threads",
            "cache",
            "build",
            "layer",
            "variant",
            "copy",
            "ratio",
            "low",
            "high",
            "width",
            "visible",
            "verdict",
            "emulated",
        ]
    )
    first = rows[0]
    assert (first["variant"], first["copy"], first["verdict"]) == ("indirect/neon_8x8", "indirect/aa", "passed")
    low, high, width = (float(first[key]) for key in ("low", "high", "width"))
    assert low < float(first["ratio"]) < high
    assert width == pytest.approx(high / low - 1, rel=1e-6)
    assert 0 < float(first["visible"]) < width
    assert [summary.verdict for summary in aa_summaries(found.aa)] == ["passed", "passed"]


def test_a_difference_that_is_false_fails(tmp_path: Path) -> None:
    found = results(tmp_path / "run", 1.05)
    assert {row["verdict"] for row in table(found, "aa")} == {"failed"}
    for summary in aa_summaries(found.aa):
        assert summary.verdict == "failed"
        assert summary.noise is not None and summary.noise.floor > 0.05


def test_without_an_interval_nothing_is_judged(tmp_path: Path) -> None:
    found = results(tmp_path / "run", 1.0, launches=3)
    assert {(row["verdict"], row["low"], row["width"]) for row in table(found, "aa")} == {("unjudged", "", "")}
    for summary in aa_summaries(found.aa):
        assert (summary.verdict, summary.noise) == ("unjudged", None)


def test_a_pair_of_which_too_little_is_valid_is_a_row_all_the_same(tmp_path: Path) -> None:
    path = results(tmp_path / "run", 1.0).run.path / "devices/pixel-3/records.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        if line["type"] == "sample" and line["variant"] == "indirect/aa" and line["cache"] == "hot":
            line["cpu_ns"] /= 2
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    rows = table(make_results(tmp_path / "run"), "aa")
    assert {row["cache"] for row in rows if row["verdict"] == "unjudged"} == {"hot"}
    assert {row["verdict"] for row in rows if row["cache"] == "hot"} == {"unjudged"}
    assert {row["ratio"] for row in rows if row["cache"] == "hot"} == {""}


def test_a_few_alarms_are_chance_and_many_are_none(tmp_path: Path) -> None:
    passed = results(tmp_path / "passed", 1.0).aa
    failed = results(tmp_path / "failed", 1.05).aa
    assert AaSummary("hot", 1, [*passed[:19], failed[0]]).verdict == "passed"
    assert AaSummary("hot", 1, [*passed[:16], *failed[:6]]).verdict == "failed"


def test_a_pair_is_in_no_other_comparison(tmp_path: Path) -> None:
    with_pair, alone = results(tmp_path / "with", 1.3), results(tmp_path / "alone", None)
    assert table(alone, "results")[0]["variant"] == "indirect/neon_8x8"
    assert not list(alone.aa)
    copies = [row for row in with_pair.rows if row.is_copy]
    assert len(copies) == len(synthetic.LAYERS) * 2
    assert all(row.columns["ratio_im2col"] == row.columns["visible"] == "" and row.time for row in copies)

    def shape(found: Results) -> list[tuple[str, ...]]:
        keys = ("cache", "category", "algorithm", "other", "face", "layers")
        return [tuple(row[key] for key in keys) for row in table(found, "categories")]

    assert shape(with_pair) == shape(alone)
    published = [row for row in with_pair.categories if (row.face, row.other) == ("published", "im2col")]
    assert all(0.8 < row.ratio.value < 1.5 for row in published)


def test_the_second_one_of_a_pair_is_in_no_export_and_no_comparison(tmp_path: Path) -> None:
    found, later = results(tmp_path / "run", 1.0), results(tmp_path / "later", 1.0)
    assert any(row.is_copy for row in found.rows)
    assert {entry.variant for entry in of_run(found).entries}.isdisjoint({"indirect/aa"})
    compared = compare_runs(found.run.path, later.run.path, ["SAME_RUN"])
    assert compared.rows and all(not row.new.is_copy for row in compared.rows)


def test_a_copy_that_was_planned_and_has_no_sample_is_missing(tmp_path: Path) -> None:
    run = results(tmp_path / "run", 1.0, launches=2).run.path
    plan = [json.loads(line) for line in (run / "plan.jsonl").read_text().splitlines()]
    lines = [{**job, "variants": [*job["variants"], "indirect/aa"]} for job in plan]
    (run / "plan.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert "missing" not in {row.status for row in make_results(run).rows}
    file = run / "devices/pixel-3/records.jsonl"
    records = [json.loads(line) for line in file.read_text().splitlines()]
    lost = ("indirect/aa", "conv2_3x3", "hot")
    kept = [each for each in records if (each.get("variant"), each.get("layer"), each.get("cache")) != lost]
    assert len(kept) < len(records)
    file.write_text("".join(json.dumps(record) + "\n" for record in kept))
    found = make_results(run)
    (row,) = (row for row in found.rows if row.status == "missing")
    what = row.key.what
    assert (row.key.layer, what.cache, what.name, what.asked) == ("conv2_3x3", "hot", "indirect/aa", "indirect")
    (pair,) = (pair for pair in table(found, "aa") if pair["layer"] == "conv2_3x3" and pair["cache"] == "hot")
    assert (pair["copy"], pair["verdict"]) == ("indirect/aa", "unjudged")


def test_a_copy_of_what_does_not_apply_is_not_missing(tmp_path: Path) -> None:
    run = results(tmp_path / "run", None, launches=2).run.path
    plan = [json.loads(line) for line in (run / "plan.jsonl").read_text().splitlines()]
    lines = [{**job, "variants": [*job["variants"], "direct/aa"]} for job in plan if job["layer"] == "conv2_3x3"]
    (run / "plan.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert "missing" not in {row.status for row in make_results(run).rows}  # direct covers 1x1 alone: a skip
