"""A second look at suspects is planned once, on record before it is measured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import synthetic
from harness.measure.run.confirm import plan_confirmation
from harness.measure.run.manifest import request_of
from harness.store.confirming import Fresh, fresh_launches
from harness.store.rundir import RunDir

pytestmark = pytest.mark.unit

PLACE, LAYER = ("pixel-3", "4-7"), synthetic.LAYERS[1]["name"]


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    phone = synthetic.Phone(others=[synthetic.Other()])
    made = synthetic.make_run(tmp_path / "run", [phone], synthetic.LAYERS[1:3], 4, 1, ["hot"])
    return RunDir(made)


def planned(run: RunDir) -> list[tuple[int, str]]:
    lines = map(json.loads, (run.path / "plan.jsonl").read_text().splitlines())
    return [(line["launch"], line["layer"]) for line in lines if (line["device"], line["cluster"]) == PLACE]


def test_as_many_launches_as_there_were(run: RunDir) -> None:
    request, before = request_of(run.manifest(), None), planned(run)
    assert plan_confirmation(run, request, {PLACE: [LAYER]}) == 4
    assert planned(run)[len(before) :] == [(launch, LAYER) for launch in range(4, 8)]
    events = run.device(PLACE[0]).events
    assert fresh_launches(events) == {(PLACE[1], LAYER): Fresh(4, 8)}
    line = json.loads((run.path / "plan.jsonl").read_text().splitlines()[-1])
    assert line["builds"] == ["checkout", "HEAD~1"] and "im2col" in line["variants"]
    assert plan_confirmation(RunDir(run.path), request, {PLACE: [LAYER]}) == 0  # there is no third look


def test_a_plan_that_was_cut_off_is_completed(run: RunDir) -> None:
    request, before = request_of(run.manifest(), None), planned(run)
    text = (run.path / "plan.jsonl").read_text()
    plan_confirmation(run, request, {PLACE: [LAYER]})
    (run.path / "plan.jsonl").write_text(text)
    again = RunDir(run.path)
    assert plan_confirmation(again, request, {PLACE: [LAYER]}) == 4
    assert planned(again)[len(before) :] == [(launch, LAYER) for launch in range(4, 8)]
    assert len(again.device(PLACE[0]).events.named("confirming")) == 1


def test_nothing_is_planned_without_suspects(run: RunDir) -> None:
    before = planned(run)
    assert plan_confirmation(run, request_of(run.manifest(), None), {}) == 0
    assert planned(run) == before
