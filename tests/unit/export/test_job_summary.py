"""Markdown for a job's summary."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.export import job_summary
from harness.export.subject import of_run
from harness.results.results import Results, make_results

pytestmark = pytest.mark.unit


def test_means_troubles_and_all_rows_in_that_order(results: Results) -> None:
    text = "".join(job_summary.text(of_run(results)))
    places = [text.index(word) for word in ("## quick", "Results: ", "| device |", "### Not plain", "<details>")]
    assert places == sorted(places)
    troubles, every = text[places[3] : places[4]], text[places[4] :]
    assert "crashed &amp; burned" in troubles and "samples are valid" in troubles
    assert every.count("| ok |") == sum(row.status == "ok" for row in results.rows)
    assert "not measured: pixel-8 (LOW\\_BATTERY): at 5 %? &lt;charge&gt;. Remedy: charge it" in text
    assert "\x01" not in text and "\x07" not in text


def test_what_exceeds_a_page_is_counted(results: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_summary, "MOST_BYTES", 1200)
    text = "".join(job_summary.text(of_run(results)))
    shown = text[text.index("<details>") :].count("\n| pixel-3/")
    assert 0 < shown < len(results.rows)
    assert f"\n{len(results.rows) - shown} more are left out here" in text


def test_emulated_devices_are_marked(two_phones: Path) -> None:
    text = "".join(job_summary.text(of_run(make_results(two_phones))))
    assert "> **EMULATED: Pixel 3 XL.**" in text
