"""A session whose phone goes away says what that cost."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.control import baseline
from harness.control.heat import Heat, HeatSource
from harness.devices.base import Cluster, Device, Identity, Topology
from harness.errors import DeviceError, DeviceLost, ExitCode, WrongDevice
from harness.measure.context import Work
from harness.measure.programs import Programs
from harness.measure.request import Request
from harness.measure.run import session
from harness.measure.run.progress import DeviceProgress
from harness.model.policy import load_policy
from harness.model.suite import load_suite
from harness.store import records
from harness.store.rundir import RunDir

pytestmark = pytest.mark.unit


WORKER = {
    "type": "worker", "seq": 1, "launch": 0, "build": "b", "pid": 7, "cpus": "4", "clock": {"available": False},
    "peak": {"isa": "neon", "ok": False},
}  # fmt: skip


class Phone:
    serial = "S1"
    identity = Identity("S1", "adb", model="Pixel 3")

    def confirm(self) -> None:
        pass

    def topology(self) -> Topology:
        return Topology((Cluster((0, 1)), Cluster((2, 3)), Cluster((4, 5))), (0, 1, 2, 3, 4, 5))


@contextmanager
def unable_to_restore(*_: Any) -> Any:
    try:
        yield
    finally:
        raise DeviceError("a setting of the phone is not put back yet: gone", "attach the phone, then: harness restore")


@contextmanager
def nothing(*_: Any) -> Any:
    yield


def session_of(run: RunDir, request: Request, phone: Phone | None = None) -> session.Session:
    """On a phone that is not there, without a program."""
    programs = cast(Programs, SimpleNamespace(of=lambda device: None))
    work = Work(request, programs, threading.Event(), lambda text: None)
    return session.Session(cast(Device, phone or Phone()), "pixel-3", run, work, DeviceProgress("pixel-3"))


@pytest.mark.parametrize("awake", [nothing, unable_to_restore])
def test_a_lost_phone_is_named_with_what_is_not_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, awake: Any
) -> None:
    installed = SimpleNamespace(install=lambda built: None, remove=lambda: None, folder="/f")
    monkeypatch.setattr(session, "leased", nothing)
    monkeypatch.setattr(session, "host_cpus", nothing)
    monkeypatch.setattr(session, "kept_awake", awake)
    monkeypatch.setattr(session, "Installed", lambda *_: installed)
    monkeypatch.setattr(session, "take_over", lambda *_: None)
    monkeypatch.setattr(session.Session, "_find_heat", lambda *_: (HeatSource("", "none"), {}))
    run = SimpleNamespace(path=tmp_path, run_id="r", device=RunDir(tmp_path).device, add_jobs=RunDir(tmp_path).add_jobs)
    suite = load_suite("smoke")
    request = Request("smoke", suite.layers, load_policy("smoke"), suite.algorithms, 1)
    begun: list[str] = []

    def cluster(self: Any, installed: Any, plan: Any, *_: Any) -> None:
        begun.append(plan.target.cluster.label)
        if len(begun) == 2:
            raise DeviceLost("S1: device offline")

    monkeypatch.setattr(session.Session, "_cluster", cluster)
    made = session_of(cast(RunDir, run), request)
    done = made.measure()
    assert set(done.codes) == {ExitCode.INFRASTRUCTURE}
    assert done.unfinished
    assert f"connection lost while cluster {begun[1]} was measured" in done.messages[0]
    for label, message in zip(["0-1", "2-3", "4-5"], done.messages[-3:], strict=True):
        assert message == f"not measured of cluster {label}: launches 1 to 4: all 6 layers"
    assert f"harness run --resume {tmp_path}" in done.messages[0]
    assert len(done.messages) == (4 if awake is nothing else 5)


def test_a_refused_table_is_said_once_and_is_no_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    suite = load_suite("smoke")
    request = Request("smoke", suite.layers, load_policy("smoke"), suite.algorithms, 1)
    made = session_of(RunDir(tmp_path), request)
    for table in (None, {"sha256": "ab" * 32}, *[{"sha256": "ab" * 32, "refused": "the table is damaged"}] * 2):
        made._take("4-7", records.Worker.model_validate({**WORKER, "table": table}))
    said = "cluster 4-7: the table is damaged: it is not used, `auto` goes by the model"
    assert made.outcome.messages == [said] and made.outcome.codes == [] and not made.outcome.unfinished
    assert capsys.readouterr().err == f"pixel-3: {said}\n"


@pytest.mark.parametrize(("status", "hottest"), [("passed", 34.0), ("unjudged", 27.0), ("capped", 27.0)])
def test_only_a_gate_that_saw_the_device_rest_tells_of_other_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], status: str, hottest: float
) -> None:
    suite = load_suite("smoke")
    request = Request("smoke", suite.layers, load_policy("smoke"), suite.algorithms, 1)
    made = session_of(RunDir(tmp_path), request)
    made._heat = Heat(HeatSource("zone:cpu", "file"))
    baseline.store(made._phone, "zone:cpu", 27.0)
    gate = {"type": "gate", "seq": 1, "launch": 0, "status": status, "capped": status == "capped", "learned": 34.0}
    made._take("4-7", records.Gate.model_validate({**gate, "source": "zone:cpu", "baseline": 27.0, "tolerance_c": 1.0}))
    assert baseline.stored(made._phone, "zone:cpu") == hottest
    assert made._heat.rest.today_c == 34.0  # the gates of this run go by it all the same
    assert len(made.outcome.messages) == (1 if status == "passed" else 0)
    assert ("hotter than in any run before" in capsys.readouterr().err) == (status == "passed")


def test_a_phone_that_took_the_address_meanwhile_leaves_no_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Another(Phone):
        def confirm(self) -> None:
            raise WrongDevice("another phone answers at S1")

    monkeypatch.setattr(session, "leased", nothing)
    suite = load_suite("smoke")
    request = Request("smoke", suite.layers, load_policy("smoke"), suite.algorithms, 1)
    done = session_of(RunDir(tmp_path), request, Another()).measure()
    assert (done.codes, done.messages) == ([ExitCode.INFRASTRUCTURE], ["another phone answers at S1"])
    assert list(tmp_path.iterdir()) == []
