"""``harness tune``: tables come home whole, per cluster; what goes wrong is said and nothing is left."""

from __future__ import annotations

import json
import threading
from contextlib import nullcontext
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cli.tune import _each_shape_once
from harness.devices.base import Attached, Cluster, Device, Topology
from harness.devices.local import LocalDevice
from harness.errors import UsageError
from harness.exit_codes import ExitCode
from harness.measure import campaign
from harness.measure.context import Context
from harness.measure.once import convbench, tune
from harness.measure.outcome import Results
from harness.measure.programs import Programs
from harness.measure.request import Request
from harness.model.policy import load_policy
from harness.model.suite import load_suite
from harness.toolchain.builder import Built
from tests.mutation import mutated

pytestmark = pytest.mark.unit

TUNED = {
    "type": "tuned", "layer": "a", "model": "direct_x", "best": "direct_x+block8", "model_ns": 120.0, "best_ns": 100.0,
    "candidates": 9,
}  # fmt: skip
SHORT = {**TUNED, "layer": "b", "best": "direct_x", "model_ns": None, "best_ns": None}
SKIP = {"type": "skip", "layer": "c", "reason": "too large"}
END = {"type": "end", "reason": "done"}
TABLE = "indirectconv-tuned 2 0.2.0 x86:y\nend 0 0123456789abcdef\n"


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convbench, "_POLL_S", 0.01)
    monkeypatch.setattr(campaign, "_off_measured_cpus", lambda *_: nullcontext())


def request(**other: Any) -> Request:
    return Request("smoke", load_suite("smoke").layers, load_policy("quick"), ("auto",), 0, **other)


def context(tmp_path: Path, stop: threading.Event | None = None, **other: Any) -> Context:
    """Of this machine."""
    device = cast(Device, LocalDevice(tmp_path / "work"))
    asked = request(**other)
    return Context(asked, Attached((device,)), lambda text: None, lambda: nullcontext(stop or threading.Event()))


def tuned(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    table: str,
    *said: dict[str, Any],
    code: int = 0,
    stop: threading.Event | None = None,
    **other: Any,
) -> tune.Tuned:
    """The outcome with a shell script as convbench, which keeps its arguments and its plan."""
    lines = "".join(f"printf '%s\\n' '{json.dumps(value)}'\n" for value in said)
    wrote = f"printf '%s' '{table}' > \"$4\"\n" if table else ""
    file = tmp_path / "convbench"
    file.write_text(f'#!/bin/sh\ncp "$2" {tmp_path}/plan\necho "$@" >> {tmp_path}/argv\n{lines}{wrote}exit {code}\n')
    built = Built(file, file, "0" * 40, "host", "host", 0.0, True, {})
    monkeypatch.setattr(tune, "build_programs", lambda *_: Programs({"host": built}, "host"))
    (done,) = tune.tune_all(context(tmp_path, stop, **other), 2.5, tmp_path / "out").outcomes
    assert list((tmp_path / "work").iterdir()) == []
    return done


def test_a_table_for_each_cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    done = tuned(monkeypatch, tmp_path, TABLE, TUNED, SHORT, SKIP, END)
    assert (done.codes, done.messages, done.skipped) == ([], [], ["c: too large"] * len(done.tables))
    labels = [cluster.label for cluster in LocalDevice().topology().clusters]
    assert [path.relative_to(tmp_path) for path in done.tables] == [Path(f"out/local/{x}.tuned") for x in labels]
    assert all(path.read_text() == TABLE for path in done.tables)
    assert [layer.ratio for layer in done.layers[:2]] == [1.2, None]
    assert {layer.cluster for layer in done.layers} == set(labels)
    assert " budget_s=2.5 " in (tmp_path / "plan").read_text()
    assert len((tmp_path / "argv").read_text().splitlines()) == len(labels)
    value = done.as_json()
    assert value["layers"][0]["ratio"] == 1.2 and value["tables"] == [str(path) for path in done.tables]


def test_what_is_no_table_is_not_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    done = tuned(monkeypatch, tmp_path, "nothing of ours", TUNED, END)
    assert done.tables == [] and list((tmp_path / "out" / "local").iterdir()) == []
    assert done.codes[0] == ExitCode.INFRASTRUCTURE and "brought no table" in done.messages[0]


@pytest.mark.parametrize(
    ("end", "message"),
    [
        ({"type": "end", "reason": "deadline"}, "reached its deadline before its end"),
        ({"type": "end", "reason": "error"}, "stopped without an end"),
        ({"type": "tuned"}, "stopped without an end"),
    ],
)
def test_an_early_end_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, end: dict[str, Any], message: str
) -> None:
    done = tuned(monkeypatch, tmp_path, TABLE, TUNED, end, code=3)
    assert done.codes[0] == ExitCode.INFRASTRUCTURE and message in done.messages[0]
    assert done.layers[0].layer == "a"


def test_a_cluster_that_is_offline_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    topology = Topology((Cluster((900,)), *LocalDevice().topology().clusters), (0,), offline=(900,))
    monkeypatch.setattr(LocalDevice, "topology", lambda _: topology)
    done = tuned(monkeypatch, tmp_path, TABLE, TUNED, END)
    assert done.codes == [ExitCode.INFRASTRUCTURE]
    assert done.messages[-1] == "cluster 900 not tuned: its CPUs are offline"
    assert {condition.name for condition in done.conditions} >= {"CORES_OFFLINE"}
    assert len(done.tables) == 1


@pytest.mark.parametrize("allow", [(), ("CORES_FORBIDDEN",)], ids=["missed", "allowed"])
def test_a_cluster_that_is_forbidden_is_missed_unless_that_is_allowed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, allow: tuple[str, ...]
) -> None:
    topology = Topology((Cluster((900,)), *LocalDevice().topology().clusters), (0,))
    monkeypatch.setattr(LocalDevice, "topology", lambda _: topology)
    done = tuned(monkeypatch, tmp_path, TABLE, TUNED, END, allow=allow)
    assert done.codes == ([] if allow else [ExitCode.INFRASTRUCTURE])
    assert any(message.startswith("cluster 900 not tuned: ") for message in done.messages) is not bool(allow)
    assert len(done.tables) == 1


def test_a_stop_before_the_start_measures_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "convbench"
    built = Built(file, file, "0" * 40, "host", "host", 0.0, True, {})
    monkeypatch.setattr(tune, "build_programs", lambda *_: Programs({"host": built}, "host"))
    stop = threading.Event()
    stop.set()
    assert tune.tune_all(context(tmp_path, stop), 1, tmp_path / "out") == Results([], ExitCode.INTERRUPTED)


def test_bad_options_are_refused_before_anything_is_built(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="--out"):
        tune.tune_all(context(tmp_path), 1, tmp_path / "file")
    with pytest.raises(UsageError, match="no usable cluster"):
        tune.tune_all(context(tmp_path, cpus=(900,)), 1, tmp_path / "out")


def test_shapes_that_differ_in_their_clamp_are_one() -> None:
    first = load_suite("smoke").layers[0]
    clamped = first.model_copy(update={"name": "clamped", "max": 6.0})
    assert _each_shape_once((first, clamped)) == (first,)


def test_a_table_that_is_there_is_not_written_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    done = tuned(monkeypatch, tmp_path, TABLE, TUNED, END)
    with pytest.raises(UsageError, match=r"\.tuned is there already"):
        tuned(monkeypatch, tmp_path, "indirectconv-tuned 2\n", TUNED, END)
    assert done.tables[0].read_text() == TABLE


@given(st.lists(mutated(*(json.dumps(value).encode() for value in (TUNED, SHORT, SKIP, END))), max_size=4))
def test_whatever_convbench_says(said: list[bytes]) -> None:
    done = tune.Tuned("local")
    done.take("0-3", b"\n".join(said))
    json.dumps(done.as_json(), allow_nan=False)


@pytest.mark.parametrize("time", [1e308, -1.0, float("nan"), 10**400])
def test_times_that_cannot_be_are_none(time: float) -> None:
    done = tune.Tuned("local")
    done.take("0-3", json.dumps({**TUNED, "model_ns": time}).encode())
    assert [(layer.model_ns, layer.best_ns, layer.ratio) for layer in done.layers] == [(None, 100.0, None)]
