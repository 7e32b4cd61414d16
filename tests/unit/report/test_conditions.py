"""A stamped condition stands at the device's figures, at its rows, in the summary and among the weaknesses."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import ModuleType

import pytest

from harness.model.condition import Condition
from harness.report.writer import write_report

pytestmark = pytest.mark.unit

LOW = Condition("LOW_BATTERY", "the battery is at 3 % <b>")


@pytest.fixture
def run(synthetic: ModuleType, tmp_path: Path) -> Path:
    phones = [
        synthetic.Phone(conditions=[LOW, Condition("CHARGING", "the battery is being charged")]),
        synthetic.Phone(name="clean", model="Clean"),
    ]
    made: Path = synthetic.make_run(tmp_path / "run", phones, synthetic.LAYERS[:2], launches=2, rounds=1)
    event = {"event": "finished", "messages": [LOW.text, "cluster 4-7: gone"]}
    with (made / "devices" / "pixel-3" / "events.jsonl").open("a") as file:
        file.write(json.dumps(event) + "\n")
    return made


def test_the_report(run: Path) -> None:
    summary = write_report(run)
    page = (run / "report.html").read_text()
    (block,) = re.findall(r'<div class="conditions".*?</div>', page, re.DOTALL)
    for words in ("LOW_BATTERY", "The battery is at 3 % &lt;b&gt;", "Remedy: charge the phone", "CHARGING"):
        assert words in block
    mark = '<span class="emulated">LOW_BATTERY</span>'
    captions = re.findall(r"<caption>(.*?)</caption>", page, re.DOTALL)
    of_phone = [caption for caption in captions if "Pixel 3," in caption]
    assert of_phone and all(mark in caption for caption in of_phone)
    assert not any(mark in caption for caption in captions if "Clean," in caption)
    assert '"emulated">CHARGING' not in page  # so usual that rows are not marked with it
    assert "EMULATED" not in page
    weaknesses = [text for text in summary.weaknesses if "LOW_BATTERY" in text]
    assert weaknesses[0].startswith("[LOW_BATTERY] Pixel 3: LOW_BATTERY: the battery is at 3 %")
    assert sum("at 3 %" in text for text in summary.weaknesses) == 1  # the session's message is the same
    assert any("cluster 4-7: gone" in text for text in summary.weaknesses)
    assert all(text.startswith("[LOW_BATTERY] Pixel 3,") or "Clean" in text for text in summary.sentences)


def test_the_summary(run: Path) -> None:
    write_report(run)
    text = (run / "summary.md").read_text()
    assert "Pixel 3 was measured under these conditions: LOW\\_BATTERY, CHARGING." in text
    assert "Clean was measured" not in text


def test_devices_that_are_left_out(run: Path) -> None:
    away = {"name": "phone-0a1b2c", "conditions": ["UNAUTHORIZED"], "state": "unauthorized <b>", "remedy": "unlock it"}
    file = run / "manifest.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "unusable": [away, {"name": 7}, "x"]}))
    write_report(run)
    page = (run / "report.html").read_text()
    (block,) = re.findall(r"<b>Not measured</b>.*?</dl>", page, re.DOTALL)
    assert block.count("<dt>") == 1
    for words in ("phone-0a1b2c", "UNAUTHORIZED", "Unauthorized &lt;b&gt;.", "Remedy: unlock it."):
        assert words in block
    text = (run / "summary.md").read_text()
    assert "- phone-0a1b2c (UNAUTHORIZED): unauthorized" in text and "Remedy: unlock it." in text


@pytest.mark.parametrize("unusable", [[], None, "x", {"name": 1}])
def test_nothing_is_left_out(run: Path, unusable: object) -> None:
    file = run / "manifest.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "unusable": unusable}))
    write_report(run)
    assert "Not measured" not in (run / "report.html").read_text()
    assert "Not measured" not in (run / "summary.md").read_text()
