"""A run directory as a report reads it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.results.redactor import Redactor
from harness.results.run import DeviceData, read_run

pytestmark = pytest.mark.unit


def plan(folder: Path, launches: int) -> None:
    (folder / "devices/pixel-3").mkdir(parents=True)
    identity = {"serial": "8A9X0B1C2", "model": "Pixel 3"}
    (folder / "devices/pixel-3/device.json").write_text(json.dumps({"identity": identity}))
    lines = [
        {"device": "pixel-3", "cluster": cluster, "launch": launch, "layer": layer, "variants": ["im2col", "direct"]}
        for launch in range(launches)
        for cluster in ("0-3", "4-7")
        for layer in ("a-8A9X0B1C2", "b", "serial")
    ]
    (folder / "plan.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_a_plan_is_redacted_where_it_is_shown_not_line_by_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts: list[str] = []
    redacted = Redactor.text

    def counted(self: Redactor, text: str) -> str:
        texts.append(text)
        return redacted(self, text)

    monkeypatch.setattr(Redactor, "text", counted)
    counts = []
    for launches in (1, 100):
        plan(tmp_path / str(launches), launches)
        texts.clear()
        run = read_run(tmp_path / str(launches))
        (device,) = run.devices
        assert run.clusters_of(device) == ["0-3", "4-7"]
        expected = {layer: ["im2col", "direct"] for layer in ("a-(withheld)", "b", "serial")}
        assert run.planned(device, "4-7") == expected
        counts.append(len(texts))
    assert counts[0] == counts[1]


def test_what_kept_a_session_from_its_begin_is_told_where_no_other_has_finished(tmp_path: Path) -> None:
    plan(tmp_path, 1)
    events = tmp_path / "devices/pixel-3/events.jsonl"
    not_begun = {"event": "not begun", "messages": ["another harness run is using the device"]}
    events.write_text(json.dumps(not_begun) + "\n")
    assert read_run(tmp_path).devices[0].messages == ["another harness run is using the device"]
    events.write_text(json.dumps({"event": "finished", "messages": []}) + "\n" + json.dumps(not_begun) + "\n")
    assert read_run(tmp_path).devices[0].messages == []


@pytest.mark.parametrize(
    ("evidence", "sources"),
    [
        pytest.param(
            [{"name": "power", "reads": "dumpsys power", "why": None}], [("power", "dumpsys power", "")], id="tells"
        ),
        pytest.param([{"name": "a\nb", "why": "x" * 900}], [("a b", "", "x" * 500)], id="long"),
        pytest.param([{"name": "at 8A9X0B1C2"}], [("at (withheld)", "", "")], id="serial"),
        pytest.param([{"name": 7}, [], "power", None], [], id="no sources"),
        pytest.param({"name": "power"}, [], id="no list"),
        pytest.param(None, [], id="none"),
        pytest.param([{"name": "x"}] * 10**4, [("x", "", "")] * 200, id="too many"),
    ],
)
def test_the_sources_of_evidence_are_not_trusted(tmp_path: Path, evidence: object, sources: list[object]) -> None:
    plan(tmp_path, 1)
    file = tmp_path / "devices/pixel-3/device.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "evidence": evidence}))
    assert read_run(tmp_path).devices[0].sources == sources


@pytest.mark.parametrize(
    ("title", "model", "name", "called"),
    [
        ("", "Pixel 3", "pixel-3", "Pixel 3"),
        ("Google Pixel 3", "Pixel 3", "pixel-3", "Google Pixel 3"),
        ("Samsung Galaxy S8 (Exynos 8895)", "SM-G950F", "sm-g950f", "Samsung Galaxy S8 (sm-g950f)"),
        ("", "", "local", "local (EPYC)"),
    ],
)
def test_a_phone_has_one_name(title: str, model: str, name: str, called: str) -> None:
    device = DeviceData(name, title, {"model": model, "soc": "EPYC"}, [], [], [], [], [])
    assert device.model == called
    several = DeviceData(name, title, {"model": model, "soc": "EPYC"}, [], [], [], [], [], is_one_of_several=True)
    assert several.model.endswith(f"({name})") or not model


def test_a_run_is_called_by_its_id(tmp_path: Path) -> None:
    (tmp_path / "copied").mkdir()
    assert read_run(tmp_path / "copied").name == "copied"
    (tmp_path / "copied" / "manifest.json").write_text(json.dumps({"run": "20261121-120000-quick-ab12"}))
    assert read_run(tmp_path / "copied").name == "20261121-120000-quick-ab12"
