"""Face best in the report: apart from published, compared within its face, and with its published form."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from harness.report.writer import write_report

pytestmark = pytest.mark.unit

KERNEL = "neon_8x8"
AUTO, REGIONS = f"auto/indirect_{KERNEL}+regions", f"indirect/{KERNEL}+regions"


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def edit(run: Path, change: Any) -> None:
    """``change(record)`` gives the records that stand in its place."""
    path = run / "devices" / "pixel-3" / "records.jsonl"
    records = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps(new) + "\n" for record in records for new in change(record)))


def without(run: Path, left_out: Callable[[dict[str, Any]], bool]) -> None:
    """Takes records out, and from the plan what then has no record of face best."""
    edit(run, lambda r: [] if r["type"] in ("layer", "sample", "skip") and left_out(r) else [r])
    records = [json.loads(line) for line in (run / "devices" / "pixel-3" / "records.jsonl").read_text().splitlines()]
    kept = {r["variant"].partition("/")[0] for r in records if r.get("face") == "best"}
    plan = run / "plan.jsonl"
    lines = [json.loads(text) for text in plan.read_text().splitlines()]
    for line in lines:
        best = [v for v in line["variants"][3:] if v.partition("/")[0] in kept]
        line["variants"] = line["variants"][:3] + best
    plan.write_text("".join(json.dumps(line) + "\n" for line in lines))


def results(run: Path) -> dict[tuple[str, str], dict[str, str]]:
    """Rows of cache mode hot by layer and variant."""
    return {(r["layer"], r["variant"]): r for r in read_csv(run / "results.csv") if r["cache"] == "hot"}


def exact(record: dict[str, Any]) -> list[dict[str, Any]]:
    """Times without noise, other ones for each face."""
    if record["type"] == "sample":
        times = {"indirect": 1.0, "im2col": 1.25, "direct": 0.8}
        best = {AUTO: 0.5, REGIONS: 0.625, "im2col/neon_8x8+best": 1.0, "direct/neon_8x8+best": 0.4}
        factor = best.get(record["variant"], 0.4) if record["face"] == "best" else times[record["algorithm"]]
        record |= {"ns": 1e6 * factor * (1 + record["launch"])}
    return [record]


@pytest.fixture
def run(synthetic: ModuleType, tmp_path: Path) -> Path:
    """Three layers on one cluster, 4 launches of 2 rounds, both cache modes and faces."""
    phone = synthetic.Phone(clusters=(("4-7", "Cortex-A75", 2803),), faces=True)
    chosen = [synthetic.LAYERS[n] for n in (1, 4, 6)]
    made: Path = synthetic.make_run(tmp_path / "run", [phone], chosen, launches=4, rounds=2)
    edit(made, exact)
    return made


def test_each_row_has_its_face_and_is_compared_within_it(run: Path) -> None:
    summary = write_report(run)
    assert summary.statuses == {"ok": 34, "skip": 8, "error": 0, "wrong": 0, "missing": 0, "unjudged": 0}
    rows = results(run)
    faces = {(r["variant"], r["face"]) for r in rows.values() if r["layer"] == "conv2_3x3"}
    assert faces == {
        *((f"{name}/neon_8x8", "published") for name in ("indirect", "im2col")),
        *((name, "best") for name in (AUTO, REGIONS, "im2col/neon_8x8+best", "direct/best")),
        ("direct/neon_8x8", "published"),
    }
    ratios = {variant: r["ratio_im2col"] for (layer, variant), r in rows.items() if layer == "conv2_3x3"}
    assert ratios["indirect/neon_8x8"] == "1.25"
    assert ratios[REGIONS] == "1.6"
    assert ratios[AUTO] == "2"
    assert ratios["im2col/neon_8x8"] == ratios["im2col/neon_8x8+best"] == ""
    assert rows["conv2_3x3", AUTO]["algorithm"] == "indirect"
    point = rows["fire2_squeeze_1x1", "auto/direct_neon_8x8"]
    assert (point["algorithm"], point["ratio_direct"], point["ratio_im2col"]) == ("direct", "1", "2.5")
    assert rows["fire2_squeeze_1x1", "direct/neon_8x8+best"]["ratio_direct"] == ""


def test_faces_csv_holds_best_against_published(run: Path) -> None:
    write_report(run)
    rows = [r for r in read_csv(run / "faces.csv") if r["cache"] == "hot" and r["layer"] == "conv2_3x3"]
    assert {(r["variant"], r["other"]): r["ratio"] for r in rows} == {
        (REGIONS, "indirect/neon_8x8"): "1.6",
        ("im2col/neon_8x8+best", "im2col/neon_8x8"): "1.25",
        (AUTO, "indirect/neon_8x8"): "2",
        (AUTO, "im2col/neon_8x8"): "2.5",
    }
    assert all(r["low"] and r["high"] for r in rows)


def test_categories_keep_the_faces_apart(run: Path) -> None:
    write_report(run)
    keys = [tuple(row[c] for c in ("cache", "category", "face", "algorithm", "other"))
            for row in read_csv(run / "categories.csv")]  # fmt: skip
    assert len(keys) == len(set(keys))
    means = {
        (r["category"], r["face"], r["algorithm"], r["other"]): r["ratio"]
        for r in read_csv(run / "categories.csv")
        if r["cache"] == "hot"
    }
    assert means["larger", "published", "indirect", "im2col"] == "1.25"
    assert means["larger", "best", "indirect", "im2col"] == "1.6"
    assert means["larger", "best", "auto", "im2col"] == "2"
    assert means["larger", "best", "auto", "published/indirect"] == "2"
    assert means["larger", "best", "im2col", "published/im2col"] == "1.25"
    assert means["1x1s1", "best", "auto", "published/direct"] == "2"
    assert not any("published/" in other or name == "auto" for _, face, name, other in means if face == "published")


def test_the_answer_says_both_faces(run: Path) -> None:
    summary = write_report(run)
    both = (
        "as published, indirect is 1.25x [1.25, 1.25] of im2col's speed on larger kernels (faster; 1 layer); each at "
        "its best, 1.60x [1.60, 1.60] (faster)"
    )
    point = (
        "as published, direct wins on 1x1 stride 1 by 1.25x [1.25, 1.25] over indirect (1 layer); each at its best, "
        "1.56x [1.56, 1.56] (faster)"
    )
    assert both in summary.sentences[0] and point in summary.sentences[0]
    assert both in (run / "summary.md").read_text().replace("\\", "")
    assert "and each with its best schedule (face best)]" in summary.sentences[0]
    rows = read_csv(run / "categories.csv")
    answer = (run / "report.html").read_text().split('id="devices"', 1)[0]
    for face, value in (("published", "1.25"), ("best", "1.60")):
        number = next(
            n
            for n, r in enumerate(rows, start=1)
            if (r["cache"], r["category"], r["algorithm"], r["other"], r["face"])
            == ("rotate", "larger", "indirect", "im2col", face)
        )
        assert f'data-source="categories.csv:{number}:ratio">{value}<' in answer


def test_where_best_of_one_alone_was_measured_the_answer_says_so(run: Path) -> None:
    without(run, lambda r: r.get("face") == "best" and r["variant"].startswith(("indirect/", "auto/")))
    sentence = write_report(run).sentences[0]
    assert "as published, indirect is 1.25x" not in sentence and "indirect is 1.25x" in sentence
    assert "as published, direct wins" not in sentence
    assert "(face published) alone: their best schedules were not measured together" in sentence


def test_where_best_of_some_was_measured_the_answer_says_so(run: Path) -> None:
    without(run, lambda r: r.get("face") == "best" and r["variant"].startswith(("direct/", "auto/")))
    sentence = write_report(run).sentences[0]
    assert "each at its best, 1.60x" in sentence
    assert "; direct wins on 1x1 stride 1 by 1.25x" in sentence
    assert "best schedule (face best), where both were measured]" in sentence


def test_charts_and_claims_are_of_face_published_alone(run: Path) -> None:
    with_best = write_report(run)
    html = (run / "report.html").read_text()
    answer, devices = html.split('id="devices"', 1)
    published, _, best = devices.partition("Best face: ")
    assert "auto" not in answer.partition("<main>")[2]
    for word in ("+regions", "+best", "auto/"):
        assert word not in published
    assert "+regions" in best
    without(run, lambda r: r.get("face") == "best")
    (run / "faces.csv").unlink()
    (run / "baseline.csv").unlink()
    alone = write_report(run)
    assert "each at its best" not in alone.sentences[0]
    assert [(h.category, h.text.split(" (")[0]) for h in alone.headlines] == [
        (h.category, h.text.removeprefix("as published, ").split(" (")[0]) for h in with_best.headlines
    ]
    assert not (run / "faces.csv").exists() and not (run / "baseline.csv").exists()
    assert "Best face" not in (run / "report.html").read_text() + (run / "summary.md").read_text()


def test_choices_and_gains_are_shown(run: Path) -> None:
    write_report(run)
    html = (run / "report.html").read_text()
    choices = html.partition("what auto chose, ")[2]
    number = next(
        n
        for n, r in enumerate(read_csv(run / "faces.csv"), start=1)
        if (r["cache"], r["layer"], r["variant"], r["other"]) == ("rotate", "conv2_3x3", AUTO, "indirect/neon_8x8")
    )
    assert f'data-source="faces.csv:{number}:ratio"' in choices
    assert f'data-source="faces.csv:{number}:low"' in choices
    row = next(
        n
        for n, r in enumerate(read_csv(run / "results.csv"), start=1)
        if (r["cache"], r["variant"]) == ("rotate", AUTO)
    )
    for column in ("median_ns", "gflops", "extra_bytes", "ratio_im2col", "ratio_im2col_high"):
        assert f'data-source="results.csv:{row}:{column}"' in choices
    assert "<small>neon_8x8+regions</small>" in choices.partition("</table>")[0]
    summary = (run / "summary.md").read_text()
    assert "## Best face: Pixel 3, CPUs 4-7" in summary
    assert "| conv2\\_3x3 | indirect\\_neon\\_8x8+regions |" in summary
    assert "| larger kernels | 1.600 (1.600 to 1.600) | 2.000 (2.000 to 2.000) | 2.000 (2.000 to 2.000) |" in summary


def test_best_alone_answers_and_has_its_section(run: Path) -> None:
    edit(run, lambda r: [] if r["type"] in ("sample", "layer") and r["face"] == "published" else [r])
    (run / "plan.jsonl").write_text("")
    summary = write_report(run)
    assert "each at its best, indirect is 1.60x" in summary.sentences[0]
    assert "they were not measured as published]" in summary.sentences[0]
    html = (run / "report.html").read_text()
    assert "Best face: " in html
    assert 'ratio_im2col">2.00<' in html
    assert not (run / "faces.csv").exists()


def test_wrong_error_and_missing_keep_their_face(run: Path, synthetic: ModuleType) -> None:
    def broken(record: dict[str, Any]) -> list[dict[str, Any]]:
        if record["type"] == "header":
            at = {"seq": 1, "launch": 0, "layer": "conv2_3x3"}
            auto = synthetic.Way("indirect", f"{KERNEL}+regions", "best", auto=True).fields()
            check = {"type": "check", **auto, "by": "reference", "outputs": 9, "ok": False}
            error = {"type": "error", **synthetic.Way("im2col", face="best").fields(), "reason": "killed"}
            return [record, {**at, **check}, {**at, **error}]
        if record["type"] == "sample" and (record["layer"], record["face"]) == ("conv3_proj_1x1s2", "best"):
            return []
        return [record]

    edit(run, broken)
    write_report(run)
    rows = results(run)
    assert (rows["conv2_3x3", AUTO]["status"], rows["conv2_3x3", AUTO]["median_ns"]) == ("wrong", "")
    assert rows["conv2_3x3", AUTO]["algorithm"] == "indirect"
    assert rows["conv2_3x3", "im2col/neon_8x8+best"]["status"] == "error"
    assert rows["conv2_3x3", "im2col/neon_8x8"]["status"] == "ok"
    statuses = Counter(
        (r["face"], r["variant"], r["status"]) for r in rows.values() if r["layer"] == "conv3_proj_1x1s2"
    )
    assert statuses["best", "auto", "missing"] == statuses["best", "indirect/best", "missing"] == 1
    assert statuses["best", "im2col/best", "missing"] == statuses["best", "direct/best", "skip"] == 1
    assert statuses["published", "indirect/neon_8x8", "ok"] == 1
    means = [r for r in read_csv(run / "categories.csv") if r["category"] == "larger" and r["face"] == "best"]
    assert {(r["algorithm"], r["other"]) for r in means} == {("indirect", "published/indirect")}


def test_best_is_compared_whatever_the_micro_kernel(run: Path) -> None:
    """Each at its best: the library may give im2col another kernel than indirect."""

    def other(record: dict[str, Any]) -> list[dict[str, Any]]:
        if record.get("variant") == "im2col/neon_8x8+best":
            record |= {"variant": "im2col/neon_6x16+best", "kernel": "neon_6x16", "schedule": "neon_6x16"}
        return [record]

    edit(run, other)
    summary = write_report(run)
    rows = results(run)
    assert rows["conv2_3x3", REGIONS]["ratio_im2col"] == "1.6"
    assert rows["conv2_3x3", AUTO]["ratio_im2col"] == "2"
    assert "each at its best, 1.60x [1.60, 1.60] (faster)" in summary.sentences[0]
    means = {(r["algorithm"], r["other"]): r for r in read_csv(run / "categories.csv")
             if (r["cache"], r["category"], r["face"]) == ("hot", "larger", "best")}  # fmt: skip
    assert (means["indirect", "im2col"]["ratio"], means["im2col", "indirect"]["ratio"]) == ("1.6", "0.625")


def test_the_fastest_of_several_best_schedules_stands_for_the_algorithm(run: Path) -> None:
    def another(record: dict[str, Any]) -> list[dict[str, Any]]:
        if record.get("variant") != REGIONS:
            return [record]
        name = f"{KERNEL}+block8"
        faster = {**record, "variant": f"indirect/{name}", "schedule": name}
        if record["type"] == "sample":
            faster |= {"ns": record["ns"] * 0.8, "position": record["position"] + 100}
        return [record, faster]

    edit(run, another)
    sentence = write_report(run).sentences[0]
    assert "each at its best, 2.00x [2.00, 2.00] (faster)" in sentence
