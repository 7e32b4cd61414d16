"""Clusters that a phone forbids for good: planned and missed, or done without where that is allowed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.devices.base import Cluster, Topology
from harness.measure.clusters import forbidden
from harness.measure.request import Request
from harness.measure.run.chosen import choose
from harness.measure.run.leftover import unmeasured
from harness.model.policy import load_policy
from harness.model.suite import load_suite
from harness.store import journal, rundir
from harness.store.rundir import RunDir

pytestmark = pytest.mark.unit

LITTLE, BIG = Cluster((0, 1)), Cluster((2, 3))
KEPT_OFF = Topology((LITTLE, BIG), (0, 1))
UNPLUGGED = replace(KEPT_OFF, offline=(2, 3))
FREE = replace(KEPT_OFF, allowed=(0, 1, 2, 3))
SUITE = load_suite("smoke")
MISSED = Request("smoke", SUITE.layers, load_policy("smoke"), SUITE.algorithms, 1)
ALLOWED = replace(MISSED, allow=("CORES_FORBIDDEN",))


def test_what_is_forbidden_is_not_what_is_offline() -> None:
    assert forbidden(KEPT_OFF, KEPT_OFF.clusters) == ["2-3"]
    assert forbidden(UNPLUGGED, UNPLUGGED.clusters) == []
    assert forbidden(FREE, FREE.clusters) == []


@pytest.mark.parametrize(
    ("request_", "topology", "planned", "allowed"),
    [
        (MISSED, KEPT_OFF, ["0-1", "2-3"], ()),
        (ALLOWED, KEPT_OFF, ["0-1"], ("2-3",)),
        (ALLOWED, UNPLUGGED, ["0-1", "2-3"], ()),
        (ALLOWED, FREE, ["0-1", "2-3"], ()),
        (ALLOWED, replace(KEPT_OFF, allowed=()), ["0-1", "2-3"], ()),  # nothing would be left to measure
    ],
)
def test_a_new_run(
    tmp_path: Path, request_: Request, topology: Topology, planned: list[str], allowed: tuple[str, ...]
) -> None:
    run = RunDir(tmp_path)
    chosen = choose(run, "p", request_, topology)
    assert (run.ledger.clusters("p"), chosen.allowed) == (planned, allowed)
    assert [target.cluster.label for target in chosen.targets] == (
        [] if not topology.allowed else ["0-1", "2-3"] if topology is FREE else ["0-1"]
    )


def test_a_resumed_run_does_without_what_was_planned_until_it_is_begun(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    choose(run, "p", MISSED, KEPT_OFF)
    events = run.device("p").events
    events.add("out of reach", cluster="2-3", why="", allowed=False)
    assert set(unmeasured(run, "p", MISSED)) == {"0-1", "2-3"}
    assert choose(run, "p", ALLOWED, KEPT_OFF).allowed == ("2-3",)
    events.add("out of reach", cluster="2-3", why="", allowed=True)
    assert set(unmeasured(run, "p", ALLOWED)) == {"0-1"}
    events.add("spawning", cluster="2-3", attempt=1, output="x")  # it is free again, and its measuring is cut
    assert set(unmeasured(run, "p", ALLOWED)) == {"0-1", "2-3"}


def test_clusters_are_planned_all_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    def append(path: Path, data: bytes) -> None:
        journal.append_bytes(path, data)
        raise Killed

    monkeypatch.setattr(rundir, "append_bytes", append)
    with pytest.raises(Killed):
        choose(RunDir(tmp_path), "p", MISSED, FREE)
    assert RunDir(tmp_path).ledger.clusters("p") == ["0-1", "2-3"]
