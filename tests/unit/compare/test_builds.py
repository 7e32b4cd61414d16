"""Builds of one run compared: by pairs of shared rounds, suspects by their second look."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks import synthetic
from harness.compare.builds import compare_builds
from harness.compare.comparison import Comparison, compare_runs
from harness.compare.lines import lines, value
from harness.errors import UsageError
from harness.exit_codes import ExitCode
from harness.export.compared import of_comparison
from harness.report.compared import render_compared
from harness.store.confirming import Fresh, note_fresh
from harness.store.rundir import RunDir

pytestmark = pytest.mark.unit

LAYERS = synthetic.LAYERS[1:3]
FIRST = LAYERS[0]["name"]
OTHER = synthetic.Other("HEAD~1", times={"im2col": 0.97})  # im2col of the checkout takes 3 % longer
Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """``make(others, launches=8)``: a run beside those builds, on a device whose clock sinks meanwhile."""

    def run(others: Sequence[synthetic.Other] = (OTHER,), launches: int = 8, **more: Any) -> Path:
        truth = synthetic.Truth(launch_sd=0.004, noise_sd=0.004)
        cluster = (("4-7", "Cortex-A75", 2803),)
        phone = synthetic.Phone(clusters=cluster, truth=truth, drift=0.08, others=others, **more)
        return synthetic.make_run(tmp_path / "run", [phone], LAYERS, launches, 4, ["hot"], 7)

    return run


def edit(run: Path, change: Callable[[dict[str, Any]], dict[str, Any] | None]) -> None:
    file = run / "devices/pixel-3/records.jsonl"
    records = [found for line in file.read_text().splitlines() if (found := change(json.loads(line)))]
    file.write_text("".join(json.dumps(record) + "\n" for record in records))


def decisions(found: Comparison) -> dict[tuple[str, str], str]:
    return {(row.new.key.layer, row.new.algorithm): row.decision for row in found.rows}


def test_a_slower_build_is_found_by_pairs_whatever_the_drift(make: Make) -> None:
    found = compare_builds(make())
    assert decisions(found) == {
        (layer["name"], algorithm): "slower" if algorithm == "im2col" else "unproven"
        for layer in LAYERS
        for algorithm in ("im2col", "indirect")
    }
    assert found.code == ExitCode.REGRESSION
    row = next(row for row in found.rows if row.decision == "slower")
    assert row.difference is not None and row.difference.paired and row.difference.launches == (8, 8)
    assert 0.96 < row.difference.ratio.value < 0.98 and row.difference.visible() < 0.01
    texts = row.columns
    assert (texts["base"], texts["new"]) == (OTHER.build, synthetic.BUILD)
    assert (texts["base_name"], texts["new_name"], texts["how"]) == ("HEAD~1", "checkout", "pairs")
    assert texts["confirmed"] == ""
    text = "\n".join(lines(found))
    assert "2 slower, 2 unproven: checkout against HEAD~1 (ffffffffffff), run 20261121-120000-quick" in text
    assert "share no rounds" not in text and "same program" not in text


def test_equal_builds_are_the_same_to_a_threshold(make: Make) -> None:
    found = compare_builds(make([synthetic.Other()]), 0.02)
    assert {row.decision for row in found.rows} == {"same"} and found.code == ExitCode.DONE


def test_outputs_are_those_of_two_runs(make: Make) -> None:
    found = compare_builds(make())
    page = render_compared(found)
    assert "Builds of one run compared" in page and "checkout against HEAD~1" in page and "f" * 40 in page
    told = value(found)
    assert told["exit_code"] == 1 and (told["base"]["name"], told["new"]["name"]) == (
        "HEAD~1 (ffffffffffff)",
        "checkout",
    )
    assert [row["how"] for row in told["rows"]] == ["pairs"] * 4
    subject = of_comparison(found)
    assert subject.about["new"] == "checkout" and [e.outcome for e in subject.entries].count("failed") == 2


def test_several_bases_are_told_apart(make: Make) -> None:
    run = make([OTHER, synthetic.Other("v0.2", "cdef01234567")])
    found = compare_builds(run)
    slower = [row for row in found.rows if row.decision == "slower"]
    assert len(found.rows) == 8 and {row.names[0] for row in slower} == {"HEAD~1"}
    assert all(row.variant_text.endswith(" against HEAD~1") for row in slower)
    names = [entry.full_name for entry in of_comparison(found).entries]
    assert len(set(names)) == 8
    assert found.base.builds == [OTHER.build, "cdef01234567"] and found.new.builds == [synthetic.BUILD]


def second_look(run: Path, factor: float) -> Comparison:
    """Launches 4 to 7 are the second look; im2col of the checkout takes so many times as long in them."""

    def change(record: dict[str, Any]) -> dict[str, Any]:
        own = record.get("build") == synthetic.BUILD and record.get("algorithm") == "im2col"
        own &= record.get("layer") == FIRST
        if record["type"] == "sample" and own and record["launch"] >= 4:
            record["ns"] *= factor
        return record

    edit(run, change)
    note_fresh(RunDir(run).device("pixel-3").events, "4-7", {FIRST: Fresh(4, 8)})
    return compare_builds(run)


def test_what_is_slower_again_is_confirmed_by_its_fresh_launches(make: Make) -> None:
    found = second_look(make(), 1.02)
    row = next(row for row in found.rows if row.confirmed is not None)
    assert (row.decision, row.confirmed, row.new.key.layer) == ("slower", True, FIRST)
    assert row.difference is not None and row.difference.launches == (4, 4)
    assert row.difference.ratio.value == pytest.approx(0.97 / 1.02, abs=0.006)
    assert "slower at first (0.9" in row.reason and "and in 4 fresh launches too" in row.reason
    assert found.code == ExitCode.REGRESSION
    assert "1 row was slower and measured again in fresh launches, which decide: 1 confirmed" in found.remarks
    shown = next(line for line in lines(found) if line.startswith("| slower"))
    assert row.reason in shown


def test_what_is_not_slower_again_does_not_fail(make: Make) -> None:
    found = second_look(make([synthetic.Other(times={"im2col": 0.97})]), 0.97)
    (row,) = found.suspects
    assert (row.decision, row.confirmed, row.columns["confirmed"]) == ("unproven", False, "0")
    assert "not in 4 fresh launches" in row.reason
    others = [each for each in found.rows if each.confirmed is None and each.decision == "slower"]
    assert [each.new.key.layer for each in others] == [LAYERS[1]["name"]]  # never looked at again


def test_a_second_look_that_was_cut_off_judges_nothing(make: Make) -> None:
    run = make()
    note_fresh(RunDir(run).device("pixel-3").events, "4-7", {FIRST: Fresh(6, 12)})
    found = compare_builds(run)
    (row,) = found.suspects
    assert row.decision == "unjudged" and "measured again: 2 launches with pairs, 4 are needed" in row.reason


def test_what_another_build_lacks_is_a_row_with_its_reason(make: Make) -> None:
    def crash(record: dict[str, Any]) -> dict[str, Any] | None:
        is_it = record.get("build") == OTHER.build and record.get("algorithm") == "im2col"
        return None if is_it and record["type"] == "sample" and record["layer"] == FIRST else record

    run = make()
    edit(run, crash)
    found = compare_builds(run)
    row = next(row for row in found.rows if row.decision == "unjudged")
    assert row.reason == "HEAD~1: missing: planned, without a sample" and row.new.algorithm == "im2col"
    assert found.code == ExitCode.REGRESSION


def test_a_run_of_one_build_alone(tmp_path: Path) -> None:
    run = synthetic.make_run(tmp_path / "run", layers=LAYERS, launches=1, rounds=1)
    with pytest.raises(UsageError, match="was made without --against"):
        compare_builds(run)


def test_the_answer_of_the_run_is_its_own_builds(make: Make) -> None:
    results = compare_builds(make(aa=1.0)).new.results
    assert {row.build_name for row in results.rows} == {"checkout", "HEAD~1"}
    assert {row.row.key.build for row in results.categories if hasattr(row, "row")} <= {synthetic.BUILD}
    assert {row.key.build for row in results.rows_of("pixel-3", "4-7")} == {synthetic.BUILD}
    im2col = [row for row in results.categories if (row.algorithm, row.other) == ("indirect", "im2col")]
    assert [row.layers for row in im2col] == [2]


def test_while_a_second_look_has_no_sample_the_first_one_decides(make: Make) -> None:
    run = make()
    before = compare_builds(run)
    note_fresh(RunDir(run).device("pixel-3").events, "4-7", {FIRST: Fresh(8, 16)})
    found = compare_builds(run)
    assert not found.suspects and [row.columns for row in found.rows] == [row.columns for row in before.rows]
    assert "1 row is slower by the first look alone: the second one is planned and has measured nothing" in "".join(
        found.remarks
    )


def test_what_one_of_two_bases_lacks_is_said_of_that_one(make: Make) -> None:
    run = make([OTHER, synthetic.Other("v0.2", "cdef01234567")])
    jobs = [json.loads(line) for line in (run / "plan.jsonl").read_text().splitlines()]
    for job in jobs:  # what is planned is a row
        job["variants"] = [name for name in job["variants"] if not name.startswith("im2col")]
    (run / "plan.jsonl").write_text("".join(json.dumps(job) + "\n" for job in jobs))
    edit(run, lambda r: None if r.get("build") == OTHER.build and r.get("algorithm") == "im2col" else r)
    remarks = list(compare_builds(run).remarks)
    assert "only in checkout, not in HEAD~1, and not compared: pixel-3 CPUs 4-7 (2 rows)" in remarks
    assert not any("v0.2" in remark and "only in" in remark for remark in remarks)


def test_two_runs_are_compared_without_their_other_builds(make: Make, tmp_path: Path) -> None:
    new = make([synthetic.Other(times={"im2col": 0.5, "indirect": 0.5})])
    base = new.rename(tmp_path / "base")
    found = compare_runs(base, make(), ["SAME_RUN"])
    assert {(row.base.key.build, row.new.key.build) for row in found.rows} == {(synthetic.BUILD, synthetic.BUILD)}
    assert len(found.rows) == 4
    remarks = list(found.remarks)
    for word in ("BASE", "NEW"):
        assert f"other builds of {word} are left out: HEAD~1 (ffffffffffff)" in remarks
