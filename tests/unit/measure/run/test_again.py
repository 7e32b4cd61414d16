"""What is measured again after a cluster."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import synthetic
from harness.control.heat import Heat
from harness.devices.base import Cluster, Identity
from harness.measure.clusters import Target
from harness.measure.request import Request
from harness.measure.run.again import ENDED, is_to_measure_again, launches_left, make_again
from harness.measure.run.clusterplan import ClusterPlan, make_plan
from harness.model.layer import Layer
from harness.model.policy import Policy
from harness.plan.jobs import Job
from harness.store.journal import EventLog
from harness.store.progress import Done, done_by_cluster

pytestmark = pytest.mark.unit

TARGET = Target(Cluster((0, 1)), 1, (0,))
IDENTITY = Identity("local", "local")
SHAPES = [synthetic.LAYERS[n] for n in (1, 6)]


def again(records: Path, launches: range = range(3), *, emulated: bool = False, **policy: Any) -> ClusterPlan | None:
    layers = tuple(Layer.model_validate_json(json.dumps(shape)) for shape in SHAPES)
    looked_at = {layer.name: launches for layer in layers}
    wanted = Request("s", layers, Policy(name="p", launches=3, rounds=5, **policy), ("im2col",), 7)
    done = done_by_cluster(records).get("0-1", Done())
    return make_again(wanted, TARGET, done, records, looked_at, name="pixel-3", emulated=emulated)


@pytest.fixture
def records(tmp_path: Path) -> Path:
    """3 launches of 5 rounds; in launch 1 of the first layer two rounds hold samples that lost half of their time."""
    phone = synthetic.Phone(clusters=(("0-1", "Cortex-A75", 2803),))
    path = synthetic.make_run(tmp_path / "run", [phone], SHAPES, launches=3, rounds=5) / "devices/pixel-3/records.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        if line["type"] == "sample" and (line["launch"], line["layer"]) == (1, "conv2_3x3") and line["round"] in (0, 3):
            line["cpu_ns"] /= 2
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_further_rounds_of_the_jobs_that_hold_tainted_samples(records: Path) -> None:
    plan = again(records)
    assert plan is not None
    (job,) = plan.jobs
    assert (job.launch, job.layer, job.first_round, job.rounds, job.done) == (1, "conv2_3x3", 5, 7, ())
    (same,) = (each for each in make_plan_jobs() if (each.launch, each.layer) == (1, "conv2_3x3"))
    assert job.seed == same.seed  # with the round it gives the order
    assert (plan.attempt, plan.share, plan.planned, plan.done) == (2, 0.25, 1, 0)
    assert [(line.layer, line.calls > 0) for line in plan.known] == [("conv2_3x3", True)] * 2  # hot, rotate
    assert " budget_s=15 " in plan.render(IDENTITY, "r", "/convbench", Heat())


def make_plan_jobs() -> tuple[Job, ...]:
    layers = tuple(Layer.model_validate_json(json.dumps(shape)) for shape in SHAPES)
    request = Request("s", layers, Policy(name="p", launches=3, rounds=5), ("im2col",), 7)
    return make_plan(request, TARGET, Done(), "pixel-3").jobs


def test_rounds_stand_behind_all_that_are_on_record(records: Path) -> None:
    lines = [json.loads(line) for line in records.read_text().splitlines()]
    more = [line | {"round": 8} for line in lines if line["type"] == "sample" and line["round"] == 4]
    records.write_text("".join(json.dumps(line) + "\n" for line in [*lines[:-1], *more]))
    plan = again(records)
    assert plan is not None
    assert [(job.first_round, job.rounds) for job in plan.jobs] == [(9, 10)]  # of two one was there already


def test_rounds_that_were_added_before_are_not_added_once_more(records: Path) -> None:
    """An attempt that was cut off behind its last round; that one of them is tainted too asks for no further one."""
    lines = [json.loads(line) for line in records.read_text().splitlines()]
    old = [line for line in lines if line["type"] == "sample" and line["round"] == 3]
    records.write_text(
        "".join(
            json.dumps(line) + "\n"
            for line in [*lines[:-1], *(line | {"round": number} for number in (5, 6) for line in old)]
        )
    )
    assert again(records) is None


def test_launches_whose_tainted_rounds_were_not_all_measured_again(tmp_path: Path) -> None:
    events = EventLog(tmp_path / "events.jsonl")
    planned = {"a": 8, "b": 12}
    assert launches_left(events, "4-7", planned) == {"a": range(8), "b": range(12)}
    events.add(ENDED, cluster="4-7", launches={"a": 8, "b": 8})
    events.add(ENDED, cluster="0-3", launches={"a": 9, "b": 99})
    events.add(ENDED, cluster="4-7", launches="garbage")
    events.add(ENDED, cluster="4-7", launches={"b": "99"})
    assert launches_left(events, "4-7", planned) == {"b": range(8, 12)}
    events.add(ENDED, cluster="4-7", launches=planned)
    assert launches_left(events, "4-7", planned) == {}


@pytest.mark.parametrize(
    "policy", [{}, {"verdicts": False}, {"again_share": 0}], ids=["used", "no verdicts", "no share"]
)
def test_what_is_never_measured_again_is_not_missing(tmp_path: Path, policy: dict[str, Any]) -> None:
    request = Request("s", (), Policy(name="p", **policy), ("im2col",), 7)
    assert is_to_measure_again(request, EventLog(tmp_path / "none"), "4-7", {"a": 1}) is not bool(policy)


@pytest.mark.parametrize("policy", [{"verdicts": False}, {"again_share": 0}, {"most_lost": 0.6}])
def test_nothing_is_measured_again_where_the_policy_has_no_use_for_it(records: Path, policy: dict[str, Any]) -> None:
    assert again(records, **policy) is None


def test_what_its_host_did_to_an_emulated_device_is_no_reason(records: Path) -> None:
    assert again(records, emulated=True) is None


def test_short_windows_are_not_measured_again(records: Path) -> None:
    """The calls stay, and with them the windows."""
    plan = again(records, min_ms=40.0)
    assert plan is not None and len(plan.jobs) == 1


def test_without_records_there_is_nothing(tmp_path: Path) -> None:
    assert again(tmp_path / "none") is None
