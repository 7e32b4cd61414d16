"""What a run did to settings, off settings.jsonl."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import synthetic
from harness.report.writer import write_report
from harness.results.settings import SettingDone, settings_done

pytestmark = pytest.mark.unit

STAY = {"setting": "stay_awake", "saved": "0", "ours": "7"}
LINES: list[dict[str, Any]] = [
    {**STAY, "step": "read"},
    {**STAY, "step": "changed"},
    {**STAY, "step": "verified"},
    {"setting": "brightness", "step": "refused", "saved": None, "ours": "10"},
    {"setting": "airplane_mode", "step": "read", "saved": "1"},
    {"setting": 7, "step": "verified"},
]


def test_the_last_step_tells_how_it_ended() -> None:
    stay, bright = settings_done(LINES)
    assert stay == SettingDone("stay_awake", "0", "7", "set and verified", "nothing is on record")
    assert stay.is_open
    assert bright == SettingDone("brightness", "unknown", "10", "refused", "")
    ended = settings_done([*LINES, {**STAY, "step": "restored"}])[0]
    assert (ended.ending, ended.is_open) == ("put back", False)
    again = settings_done([*LINES, {**STAY, "step": "restored"}, {**STAY, "step": "changed"}])[0]
    assert again.ending == "nothing is on record"


def test_the_page_shows_it(tmp_path: Path) -> None:
    run = synthetic.make_run(tmp_path / "run", layers=synthetic.LAYERS[1:2], launches=1, rounds=1)
    lines = [{**STAY, "saved": "8A9X0SERIAL"}, {**STAY, "step": "verified", "saved": "8A9X0SERIAL"}]
    (run / "devices" / "pixel-3" / "settings.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    html = write_report(run).report.read_text()
    assert "<td>stay_awake</td><td>(withheld)</td><td>7</td><td>set and verified</td>" in html
