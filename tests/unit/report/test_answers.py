"""The answer is made of what was measured: of face best alone, of one algorithm, of a worker alone, of a part."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from harness.export.markdown import code
from harness.report.cut import find_cut
from harness.report.writer import ReportSummary, write_report
from harness.results.results import make_results

pytestmark = pytest.mark.unit

Kept = Callable[..., Path]


def answered(run: Path) -> ReportSummary:
    """The summary; its first sentence and what its numbers come from stand in the page's first section, too."""
    summary = write_report(run)
    html = (run / "report.html").read_text()
    section = html[html.index('<section id="answer"') : html.index("</section>", html.index('<section id="answer"'))]
    assert "data-source=" in section and "not measured</span>" not in section
    return summary


def test_face_best_alone_answers(kept: Kept) -> None:
    summary = answered(kept(lambda r: r.get("face", "best") == "best", faces=True))
    assert [h.category for h in summary.headlines] == ["larger", "1x1s2", "1x1s1"]
    sentence = summary.sentences[0]
    assert ": each at its best, indirect is 1.3" in sentence
    assert "(face best) alone: they were not measured as published]" in sentence


def test_auto_beside_the_best_im2col_answers(kept: Kept) -> None:
    wanted = {"auto", "im2col/best"}
    sentence = answered(kept(lambda r: r.get("asked", "auto") in wanted, faces=True)).sentences[0]
    assert ": auto is 1.3" in sentence and "of the best im2col's speed on larger kernels (faster; 4 layers)" in sentence


def test_a_schedule_beside_its_published_form_answers(kept: Kept) -> None:
    wanted = {"indirect", "indirect/best"}
    sentence = answered(kept(lambda r: r.get("asked", "indirect") in wanted, faces=True)).sentences[0]
    assert "the best indirect is 1.2" in sentence and "of the published indirect's speed on larger kernels" in sentence


def test_one_algorithm_at_its_best_tells_how_fast_it_is(kept: Kept) -> None:
    sentence = answered(kept(lambda r: r.get("asked", "im2col/best") == "im2col/best", faces=True)).sentences[0]
    assert "im2col at its best ran 10 layers at " in sentence
    assert "only im2col at its best was measured" in sentence


def test_a_worker_alone_tells_how_fast_it_is(kept: Kept) -> None:
    run = kept(lambda r: r.get("asked", "indirect") == "indirect")
    file = next(run.glob("devices/*/records.jsonl"))
    file.write_text(file.read_text().replace('"algorithm": "indirect"', '"algorithm": "xnn"'))
    summary = answered(run)
    assert "xnn ran 10 layers at " in summary.sentences[0]
    assert "nothing of ours was measured beside it. [cold weights (rotate)]" in summary.sentences[0]


@pytest.mark.parametrize("status", ["interrupted", "odd"])
def test_a_run_that_was_cut_short_says_so_everywhere(synthetic: ModuleType, tmp_path: Path, status: str) -> None:
    run: Path = synthetic.make_run(tmp_path / "run", launches=5, rounds=1)
    file = run / "devices" / "pixel-3" / "records.jsonl"
    records: list[dict[str, Any]] = [json.loads(line) for line in file.read_text().splitlines()]
    second = next(n for n, record in enumerate(records) if n and record["type"] == "header")
    file.write_text(
        "".join(json.dumps(r) + "\n" for n, r in enumerate(records) if n < second or r.get("launch", 0) < 4)
    )
    manifest = json.loads((run / "manifest.json").read_text())
    (run / "manifest.json").write_text(json.dumps({**manifest, "status": status}))
    summary = write_report(run)
    of_all, of_one = (f"{jobs} jobs (a layer in a launch) were measured" for jobs in ("90 of 100", "40 of 50"))
    assert summary.answer[0].startswith("CUT SHORT: ") and summary.answer[0].endswith(of_all)
    assert of_all in summary.value["cut_short"]
    assert [sentence.endswith(f" Cut short: {of_one}.") for sentence in summary.sentences] == [True, False]
    html, markdown = (run / "report.html").read_text(), (run / "summary.md").read_text()
    banner = html[html.index('class="banner cut"') : html.index("</header>")]
    assert of_all in banner and f"<code>harness run --resume {run}</code>" in banner
    assert "**CUT SHORT.**" in markdown and f"`harness run --resume {run}` goes on." in markdown


def test_how_a_run_goes_on_is_told_as_a_shell_takes_it(
    synthetic: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run: Path = synthetic.make_run(tmp_path / "my `run`", launches=1, rounds=1)
    results = make_results(run)
    results.run.manifest["status"] = "interrupted"
    results.run.jobs.clear()
    monkeypatch.chdir(tmp_path)
    cut = find_cut(results)
    assert cut is not None and cut.is_short and cut.command == "harness run --resume 'my `run`'"
    assert code(cut.command) == "`` harness run --resume 'my `run`' ``"
    results.run.manifest["scheduler"] = {"address": "tls://lab:8786", "certificates": str(tmp_path / "users")}
    cut = find_cut(results)
    lab = " --scheduler tls://lab:8786 --certificates users"
    assert cut is not None and cut.command == f"harness run --resume 'my `run`'{lab}"
    results.run.manifest["scheduler"] = {"address": "tls://lab:8786; rm"}
    cut = find_cut(results)
    assert cut is not None and cut.command == "harness run --resume 'my `run`'"
    (run / "bundle.json").write_text("{}")
    cut = find_cut(results)
    assert cut is not None and cut.command == ""


@pytest.mark.parametrize("status", ["interrupted", "running"])
def test_a_run_that_measured_all_its_jobs_is_not_cut_short(synthetic: ModuleType, tmp_path: Path, status: str) -> None:
    run: Path = synthetic.make_run(tmp_path / "run", launches=4, rounds=1)
    manifest = json.loads((run / "manifest.json").read_text())
    (run / "manifest.json").write_text(json.dumps({**manifest, "status": status}))
    summary = write_report(run)
    assert summary.cut == "" and "CUT SHORT" not in (run / "report.html").read_text()
    assert any("after all 80 planned jobs (a layer in a launch) had been measured" in w for w in summary.weaknesses)


def test_a_run_that_failed_with_nothing_left_is_not_cut_short(synthetic: ModuleType, tmp_path: Path) -> None:
    run: Path = synthetic.make_run(tmp_path / "run", launches=4, rounds=1)
    manifest = json.loads((run / "manifest.json").read_text())
    (run / "manifest.json").write_text(json.dumps({**manifest, "status": "failed"}))
    assert find_cut(make_results(run)) is None
