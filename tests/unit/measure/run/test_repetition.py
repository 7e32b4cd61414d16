"""Which layers get further launches, and what is written down of a look."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import synthetic
from harness.devices.base import Cluster
from harness.measure.clusters import Target
from harness.measure.request import Request
from harness.measure.run.repetition import Layer, further_launches, is_to_look, look
from harness.model import layer as model
from harness.model.policy import Policy
from harness.store.rundir import RunDir

pytestmark = pytest.mark.unit

TARGET = Target(Cluster((0, 1)), 1, (0,))
POLICY = Policy(name="p", launches=8, precision=0.01, block_budget_s=100, cache=("hot",))
QUIET, LOUD = (0.0,) * 8, (0.0, 0.1) * 4


@pytest.mark.parametrize(
    ("layer", "wanted"),
    [
        pytest.param(Layer((QUIET,), 8, 8), None, id="known well enough"),
        pytest.param(Layer((QUIET, LOUD), 8, 8), 12, id="one ratio is not"),
        pytest.param(Layer((LOUD,), 80, 8), 10, id="budget for two more"),
        pytest.param(Layer((LOUD,), 95, 8), None, id="budget for none"),
        pytest.param(Layer((LOUD,), 0, 8), 12, id="time unknown"),
        pytest.param(Layer((LOUD * 3,), 24, 27), 32, id="the most"),
        pytest.param(Layer((LOUD * 4,), 8, 32), None, id="has the most"),
        pytest.param(Layer(((),), 8, 8), 12, id="nothing valid"),
        pytest.param(Layer((), 8, 8), None, id="no ratio"),
    ],
)
def test_further_launches(layer: Layer, wanted: int | None) -> None:
    assert further_launches({"a": layer}, POLICY) == ({} if wanted is None else {"a": wanted})


def test_none_without_a_precision() -> None:
    assert further_launches({"a": Layer((LOUD,), 8, 8)}, POLICY.model_copy(update={"precision": None})) == {}


def made(folder: Path, precision: float) -> tuple[RunDir, Request]:
    """A run of two layers and eight launches whose ratios spread by about 1 % from launch to launch."""
    shapes = [synthetic.LAYERS[n] for n in (1, 6)]
    phone = synthetic.Phone(clusters=(("0-1", "Cortex-A75", 2803),), aa=1.0)
    run = RunDir(synthetic.make_run(folder / "run", [phone], shapes, launches=8, rounds=5))
    layers = tuple(model.Layer.model_validate_json(json.dumps(shape)) for shape in shapes)
    policy = POLICY.model_copy(update={"precision": precision, "cache": ("rotate", "hot")})
    return run, Request("s", layers, policy, ("im2col", "indirect", "direct"), 1)


def test_a_look_plans_what_is_missing_and_says_so(tmp_path: Path) -> None:
    run, request = made(tmp_path, 0.001)
    events = run.device("pixel-3").events
    assert is_to_look(request, events, "0-1")
    assert look(run, "pixel-3", request, TARGET, emulated=False) == {"conv2_3x3": 12, "fire2_squeeze_1x1": 12}
    assert run.ledger.launches("pixel-3", "0-1") == {"conv2_3x3": 12, "fire2_squeeze_1x1": 12}
    added = [json.loads(line) for line in (run.path / "plan.jsonl").read_text().splitlines()][16:]
    assert [line["launch"] for line in added] == [8, 8, 9, 9, 10, 10, 11, 11]
    assert is_to_look(request, events, "0-1")  # once more, when that is measured
    (event,) = events.named("looked")
    assert (event["cluster"], event["launches"]["conv2_3x3"], event["further"]["conv2_3x3"]) == ("0-1", 8, 12)


def test_a_look_that_plans_nothing_is_the_last(tmp_path: Path) -> None:
    run, request = made(tmp_path, 0.5)
    before = (run.path / "plan.jsonl").read_bytes()
    assert look(run, "pixel-3", request, TARGET, emulated=False) == {}
    assert (run.path / "plan.jsonl").read_bytes() == before
    events = run.device("pixel-3").events
    assert not is_to_look(request, events, "0-1")
    assert is_to_look(request, events, "4-7")


def test_without_records_there_is_nothing_to_plan(tmp_path: Path) -> None:
    run, request = made(tmp_path, 0.001)
    run.device("pixel-3").records.unlink()
    assert look(run, "pixel-3", request, TARGET, emulated=False) == {}
