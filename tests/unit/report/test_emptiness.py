"""Where nothing can be compared the answer says so, and why."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from harness.report.emptiness import emptiness_of
from harness.report.writer import write_report
from harness.results.rows import Row, RowKey
from harness.stats.estimate import Observation
from tests.variants import variant

pytestmark = pytest.mark.unit


def row(algorithm: str, category: str = "larger", face: str = "published", status: str = "ok") -> Row:
    what = variant(f"{algorithm}/k8", algorithm if face == "published" else f"{algorithm}/best", "hot", face=face)
    made = Row(RowKey("phone", "4-7", "layer", what), status, category)
    if status == "ok":
        made.observations.append(Observation(0, 0, 0, 1.0))
    return made


NOTHING = "so no two algorithms can be compared"


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "nothing was measured"),
        ([row("im2col", status="missing"), row("direct", status="wrong")], "measured (rows: 1 wrong, 1 missing)"),
        ([row("indirect", face="best")], "face published, the paper's comparison, was not measured"),
        ([row("indirect")], f"only indirect was measured, {NOTHING}"),
        ([row("naive"), row("im2col")], f"only im2col and naive were measured, {NOTHING}"),
        (
            [row("indirect"), row("im2col", face="best")],
            "only indirect was measured as published, so the paper's comparison cannot be made",
        ),
        ([row("direct"), row("im2col"), row("indirect")], "indirect, im2col and direct were measured, but no two"),
        ([row("im2col", "grouped"), row("indirect", "grouped")], "were measured on grouped layers alone"),
        ([row("im2col", ""), row("indirect", "")], "the run directory does not tell the layers' shapes"),
    ],
)
def test_the_reason_is_said(rows: list[Row], said: str) -> None:
    assert said in emptiness_of(rows)


def test_a_run_of_one_algorithm_says_so_wherever_it_answers(synthetic: ModuleType, tmp_path: Path) -> None:
    phone = synthetic.Phone(clusters=(("4-7", "Cortex-A75", 2803),))
    run: Path = synthetic.make_run(tmp_path / "run", [phone], launches=4, rounds=1)
    file = run / "devices" / "pixel-3" / "records.jsonl"
    records: list[dict[str, Any]] = [json.loads(line) for line in file.read_text().splitlines()]
    kept = [record for record in records if record.get("algorithm", "indirect") == "indirect"]
    file.write_text("".join(json.dumps(record) + "\n" for record in kept))
    (run / "plan.jsonl").write_text("")
    said = "only indirect was measured, so no two algorithms can be compared."
    summary = write_report(run)
    assert summary.statuses["ok"] == 20
    answer = summary.answer[0]
    assert answer.startswith("Pixel 3, CPUs 4-7 (Cortex-A75): indirect ran 10 layers at ")
    assert f" GFLOP/s (fire4_expand_1x1); {said} [cold weights (rotate)]" in answer
    assert summary.headlines == ()
    assert said in (run / "summary.md").read_text()
    assert said.capitalize() in (run / "report.html").read_text()
