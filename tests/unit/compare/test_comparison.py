"""Two runs compared: what is found, what is not, and what cannot be said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks import synthetic
from harness.compare.comparison import COMPARE_COLUMNS, compare_runs
from harness.compare.lines import lines, value
from harness.errors import UsageError
from harness.exit_codes import ExitCode

pytestmark = pytest.mark.unit

Edit = Callable[[Path, Callable[[Any], object]], None]


def cells(line: str) -> list[str]:
    """Of a row of a Markdown table."""
    return [cell.strip() for cell in line.removeprefix("| ").removesuffix(" |").split(" | ")]


def edit_records(run: Path, change: Callable[[dict[str, Any]], object]) -> None:
    file = run / "devices" / "pixel-3" / "records.jsonl"
    records = [json.loads(line) for line in file.read_text().splitlines()]
    for record in records:
        change(record)
    file.write_text("".join(json.dumps(record) + "\n" for record in records))


def test_a_slow_down_is_found_with_its_layers_named(pair_of_runs: Any) -> None:
    found = compare_runs(*pair_of_runs(im2col=1.05))
    slower = {(row.new.key.layer, row.variant) for row in found.rows if row.decision == "slower"}
    assert slower == {(f"{name}", "im2col/neon_8x8") for name in ("conv2_3x3", "conv3_down_3x3s2", "conv4_3x3")}
    assert found.code == ExitCode.REGRESSION
    row = next(row for row in found.rows if row.decision == "slower")
    assert row.difference is not None
    assert row.difference.ratio.value == pytest.approx(1 / 1.05, abs=0.01)
    assert row.difference.launches == (8, 8)
    assert row.p is not None and row.p_holm is not None and row.p < row.p_holm < 0.05


def test_nothing_is_found_where_nothing_differs(pair_of_runs: Any) -> None:
    runs = pair_of_runs()
    found = compare_runs(*runs)
    assert {row.decision for row in found.rows} == {"unproven"}
    assert found.code == ExitCode.DONE
    same = compare_runs(runs[0], runs[1], threshold=0.03)
    assert {row.decision for row in same.rows} == {"same"}
    assert same.code == ExitCode.DONE


def test_of_twenty_comparisons_of_equal_runs_at_most_three_alarm(tmp_path: Path) -> None:
    phone = synthetic.Phone(clusters=(("4-7", "Cortex-A75", 2803),), drift=0.0, truth=synthetic.Truth(spread=0.0))
    for number in range(21):
        path = tmp_path / str(number)
        synthetic.make_run(path, [phone], synthetic.LAYERS[1:8], 5, 2, ["hot"], seed=number, run=f"run-{number}")
    found = [compare_runs(tmp_path / str(n), tmp_path / str(n + 1)) for n in range(20)]
    assert {len(each.rows) for each in found} == {16}
    assert sum(each.counts["slower"] + each.counts["faster"] > 0 for each in found) <= 3


def test_too_few_launches_prove_nothing_and_are_not_the_same(pair_of_runs: Any) -> None:
    runs = pair_of_runs(launches=4, noise=0.03)
    found = compare_runs(runs[0], runs[1], threshold=0.01)
    assert {row.decision for row in found.rows} == {"unproven"}
    assert found.code == ExitCode.TOO_LITTLE_DATA


def test_three_launches_are_unjudged(pair_of_runs: Any) -> None:
    unjudged = compare_runs(*pair_of_runs(launches=3))
    assert {row.decision for row in unjudged.rows} == {"unjudged"}
    assert unjudged.rows[0].reason == "3 launches of BASE and 3 of NEW, 4 are needed"
    assert unjudged.code == ExitCode.TOO_LITTLE_DATA


def test_the_table(pair_of_runs: Any) -> None:
    found = compare_runs(*pair_of_runs(im2col=1.05))
    table = found.table
    assert table.columns == COMPARE_COLUMNS
    assert ",".join(COMPARE_COLUMNS).startswith(
        "device,cluster,threads,cache,layer,variant,base,new,ratio,low,high,visible,p,p_holm,decision"
    )
    rows = list(table.rows)
    assert [set(row) for row in rows] == [set(COMPARE_COLUMNS)] * len(found.rows)
    first = next(row for row in rows if row["variant"] == "im2col/neon_8x8")
    assert (first["base"], first["new"], first["how"], first["allowed"]) == ("0123456789ab",) * 2 + ("launches", "")
    assert float(first["low"]) < float(first["ratio"]) < float(first["high"]) < 1


def test_what_was_not_measured_in_one_is_unjudged_with_the_reason(pair_of_runs: Any) -> None:
    base, new = pair_of_runs()

    def crash(record: dict[str, Any]) -> None:
        if record["type"] == "sample" and (record["layer"], record["algorithm"]) == ("conv2_3x3", "im2col"):
            for key in ("launch", "round", "position", "ns"):
                record.pop(key)
            record.update(type="error", launch=0, reason="crashed", signal=11)

    edit_records(new, crash)
    found = compare_runs(base, new)
    row = next(row for row in found.rows if row.decision == "unjudged")
    assert row.reason == "NEW: error: launch 1: crashed (signal 11)"
    assert row.variant == "im2col/neon_8x8" and row.difference is None
    assert found.code == ExitCode.TOO_LITTLE_DATA


def test_a_disturbed_run_is_not_held_against_another(pair_of_runs: Any) -> None:
    """Two of three rounds of im2col are preempted, and what is left of it is slower for that."""
    base, new = pair_of_runs(im2col=1.2)

    def preempt(record: dict[str, Any]) -> None:
        if record["type"] == "sample" and record["algorithm"] == "im2col" and record["round"]:
            record["cpu_ns"] = record["span_ns"] * 0.8

    edit_records(new, preempt)
    found = compare_runs(base, new)
    im2col = [row for row in found.rows if row.variant.startswith("im2col")]
    assert {row.reason for row in im2col} == {"NEW: 8 of 24 samples are valid, half are needed between two runs"}
    assert found.counts == {"slower": 0, "unjudged": 3, "unproven": 3, "faster": 0, "same": 0}


def test_another_kernel_is_compared_by_what_was_asked_for_and_said(pair_of_runs: Any) -> None:
    base, new = pair_of_runs(im2col=1.05)

    def rename(record: dict[str, Any]) -> None:
        if record.get("variant") == "im2col/neon_8x8":
            record.update(variant="im2col/neon_4x8", kernel="neon_4x8", schedule="neon_4x8")

    edit_records(new, rename)
    found = compare_runs(base, new)
    slower = [row for row in found.rows if row.decision == "slower"]
    assert len(slower) == 3
    assert {(row.variant, row.reason) for row in slower} == {
        ("im2col/neon_4x8", "BASE ran im2col/neon_8x8, NEW im2col/neon_4x8")
    }


def test_what_only_one_run_has_is_said_and_not_compared(pair_of_runs: Any, edit_json: Edit) -> None:
    base, new = pair_of_runs()

    def drop(record: dict[str, Any]) -> None:
        if record.get("layer") == "conv4_3x3":
            record.clear()
            record.update(type="telemetry", seq=0)

    edit_records(new, drop)
    edit_json(new / "manifest.json", lambda m: m["suite"].update(layers=m["suite"]["layers"][:2]))
    plan = [line for line in (new / "plan.jsonl").read_text().splitlines() if "conv4_3x3" not in line]
    (new / "plan.jsonl").write_text("\n".join(plan) + "\n")
    found = compare_runs(base, new)
    assert {row.new.key.layer for row in found.rows} == {"conv2_3x3", "conv3_down_3x3s2"}
    assert "only in BASE, and not compared: pixel-3 CPUs 4-7 (2 rows)" in list(found.remarks)
    assert found.code == ExitCode.DONE


def test_nothing_in_common_is_one_message(pair_of_runs: Any, edit_json: Edit) -> None:
    base, new = pair_of_runs()
    (new / "devices" / "pixel-3").rename(new / "devices" / "pixel-8")
    edit_json(new / "devices" / "pixel-8" / "device.json", lambda d: d["identity"].update(serial="OTHER", model="8"))
    edit_json(new / "manifest.json", lambda m: m.update(devices=["pixel-8"]))
    with pytest.raises(UsageError, match="have no device, CPUs, layer and variant in common"):
        compare_runs(base, new)


def test_a_phone_is_found_under_another_name(pair_of_runs: Any, edit_json: Edit) -> None:
    base, new = pair_of_runs()
    (new / "devices" / "pixel-3").rename(new / "devices" / "pixel-3-ab12cd")
    edit_json(new / "manifest.json", lambda m: m.update(devices=["pixel-3-ab12cd"]))
    found = compare_runs(base, new)
    assert {row.columns["device"] for row in found.rows} == {"pixel-3-ab12cd"}
    assert "unjudged" not in {row.decision for row in found.rows}


def test_lines_and_json_tell_the_same(pair_of_runs: Any) -> None:
    base, new = pair_of_runs(im2col=1.05)
    found = compare_runs(base, new, threshold=0.02)
    text = list(lines(found))
    assert cells(text[0])[:6] == ["decision", "device", "CPUs", "cache", "layer", "variant"]
    assert cells(text[0])[6:] == ["base ns", "new ns", "base/new", "95 %", "visible"] and set(text[1]) == set("|-: ")
    assert [cells(line)[0] for line in text[2:5]] == ["slower"] * 3 and "" in text
    assert len({len(line) for line in text[: text.index("")]}) == 1  # it can be read as it is
    assert any(line.startswith("3 slower, 3 same: 20261121-new against 20261121-base, threshold 2 %") for line in text)
    told = value(found)
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert told["decisions"]["slower"] == 3 and told["exit_code"] == 1 and told["threshold"] == 0.02
    assert all(type(row["ratio"]) is float for row in told["rows"])


def test_the_same_program_is_said_to_be_one(pair_of_runs: Any) -> None:
    base, new = pair_of_runs()
    assert any("measured the same program" in remark for remark in compare_runs(base, new).remarks)

    def rebuild(record: dict[str, Any]) -> None:
        if "build" in record:
            record["build"] = "fedcba987654"

    edit_records(new, rebuild)
    found = compare_runs(base, new)
    assert not any("measured the same program" in remark for remark in found.remarks)
    assert {(row.columns["base"], row.columns["new"]) for row in found.rows} == {("0123456789ab", "fedcba987654")}


def calibrated(run: Path, floor: float, stale: list[str] | None = None) -> None:
    """The run knows a noise floor of that place."""
    place = {"cluster": "4-7", "cache": "hot", "verdict": "passed", "pairs": 9, "floor": floor}
    found: dict[str, Any] = {"policy": "default", "policy_digest": "d", "utc": "2026-11-20T00:00:00Z", "build_id": "0"}
    found |= {"system": "s", "suite": "quick", "places": [place]}
    event = {"utc": "2026-11-21T12:00:00Z", "event": "calibration", "found": found, "stale": stale or []}
    with (run / "devices" / "pixel-3" / "events.jsonl").open("a") as file:
        file.write(json.dumps(event) + "\n")


@pytest.mark.parametrize(
    ("floors", "stale", "slower", "known"),
    [((0.01, 0.02), [], 3, "0.02"), ((0.08, 0.02), [], 0, "0.08"), ((0.08, 0.08), ["it is old"], 3, "")],
    ids=["low", "high", "stale"],
)
def test_what_is_below_the_noise_floor_proves_nothing(
    floors: tuple[float, float], stale: list[str], slower: int, known: str, pair_of_runs: Any
) -> None:
    runs = pair_of_runs(im2col=1.06)
    for run, floor in zip(runs, floors, strict=True):
        calibrated(run, floor, stale)
    found = compare_runs(*runs)
    assert found.counts["slower"] == slower
    assert {row.columns["floor"] for row in found.rows} == {known}
    assert any("no noise floor is known" in remark for remark in found.remarks) == (not known)


def test_a_threshold_below_the_noise_floor_is_said(pair_of_runs: Any) -> None:
    base, new = pair_of_runs()
    calibrated(new, 0.03)
    found = compare_runs(base, new, threshold=0.02)
    said = "the threshold is below the noise floor, 3.00% at most, of pixel-3 CPUs 4-7 (6 rows)"
    assert said in list(found.remarks)


def test_of_a_call_on_several_threads_no_noise_floor_is_known(pair_of_runs: Any) -> None:
    base, new = pair_of_runs(im2col=1.06, threads=(1, 4))
    calibrated(new, 0.08)
    found = compare_runs(base, new)
    assert found.counts["slower"] == 3
    assert {(row.columns["threads"], row.columns["floor"]) for row in found.rows} == {("1", "0.08"), ("4", "")}
    assert {row.new.key.threads for row in found.rows if row.decision == "slower"} == {4}
    (remark,) = (remark for remark in found.remarks if "no noise floor" in remark)
    where = "pixel-3 CPUs 4-7 on 4 threads (6 rows)"
    assert remark == f"no noise floor is known of {where}: harness calibrate measures calls on one thread"


def test_several_numbers_of_threads_are_told_apart(pair_of_runs: Any) -> None:
    found = compare_runs(*pair_of_runs(im2col=1.2, layers=1, threads=(1, 4)))
    head, _, *rest = lines(found)
    slower = [dict(zip(cells(head), cells(line), strict=True)) for line in rest if line.startswith("| slower")]
    assert [(row["variant"], row["threads"]) for row in slower] == [("im2col/neon_8x8", n) for n in "14"]
    assert [row["threads"] for row in value(found)["rows"] if row["decision"] == "slower"] == [1, 4]
