"""One attempt on this machine, with a script as convbench: to its end, cut short, killed, never coming to an end."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.devices.base import Cluster, RemoteProcess
from harness.devices.local import LocalDevice
from harness.devices.phone_id import PhoneId
from harness.errors import DeviceError, Unkillable
from harness.measure.clusters import Target
from harness.measure.device_folder import DeviceFolder
from harness.measure.lost_connection import Connection
from harness.measure.request import Request
from harness.measure.run import attempt, follow
from harness.measure.run.attempt import Site
from harness.measure.run.clusterplan import ClusterPlan, make_plan
from harness.measure.run.intake import Intake
from harness.measure.run.outcome import SessionOutcome
from harness.measure.run.progress import DeviceProgress
from harness.model.policy import load_policy
from harness.model.suite import load_suite
from harness.store.progress import Done
from harness.store.rundir import RunDir
from tests.variants import fields

pytestmark = pytest.mark.unit

SUITE = load_suite("smoke")
REQUEST = Request("smoke", SUITE.layers[:1], load_policy("smoke"), ("indirect",), 1)
PLAN = make_plan(REQUEST, Target(Cluster((0, 1)), 1, (0,)), Done(), "local")


class Run(RunDir):
    """A run directory without tables."""

    @property
    def run_id(self) -> str:
        return "r"

    def manifest(self) -> Any:
        return type("Manifest", (), {"tuned": {}})


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], attempt.Ending]]:
    """An attempt whose program is a shell script: $4 is its file of records."""
    monkeypatch.setattr(follow, "_POLL_S", 0.01)
    device, run, stop = LocalDevice(tmp_path / "work"), Run(tmp_path / "run"), threading.Event()
    directory, progress = run.device("local"), DeviceProgress("local")
    installed = DeviceFolder(device, "r", directory.events)
    device.make_dir(installed.folder)
    intake = Intake(PhoneId.of(device.identity), SessionOutcome("local"), progress, directory.events)
    site = Site(device, installed, run, directory, Connection(directory.events, stop), intake, progress, stop)

    def begin(script: str) -> attempt.Ending:
        Path(installed.program).write_text("#!/bin/sh\n" + script)
        Path(installed.program).chmod(0o755)
        return attempt.attempt(site, PLAN, lambda record: None)

    yield begin
    assert installed.stop_all() == []


def end(reason: str) -> str:
    return f"echo '{json.dumps({'type': 'end', 'seq': 1, 'records': 2, 'reason': reason})}' >>$4\n"


@pytest.mark.parametrize(
    ("script", "why", "passing", "cpu_gone"),
    [
        (end("done"), "", False, False),
        (end("cpu"), "its CPU 1 was taken away while it was measured", True, True),
        (end("signal"), "convbench stopped early (signal)", True, False),
        (end("deadline"), "convbench stopped early (deadline)", False, False),
        ("kill -9 $$", "convbench on cluster 0-1 stopped without an end: it said nothing", True, False),
        ("echo no memory; exit 3", "stopped without an end: no memory", True, False),
    ],
)
def test_how_it_ended_tells_whether_it_may_pass(
    made: Callable[[str], attempt.Ending], script: str, why: str, passing: bool, cpu_gone: bool
) -> None:
    ending = made(script)
    assert why in ending.why and bool(why) == bool(ending.why)
    assert (ending.passing, ending.cpu_gone) == (passing, cpu_gone)


def test_a_program_that_never_ends_is_stopped(
    made: Callable[[str], attempt.Ending], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempt, "_GRACE_S", 0.05)
    monkeypatch.setattr(ClusterPlan, "deadline_s", lambda *_: 0)
    ending = made("sleep 300 & sleep 300")
    assert "had not ended after 0 s" in ending.why and not ending.passing


def test_after_a_reboot_it_is_not_tried_again(
    made: Callable[[str], attempt.Ending], monkeypatch: pytest.MonkeyPatch
) -> None:
    start = DeviceFolder.start

    def before_the_reboot(self: DeviceFolder, *arguments: Any) -> RemoteProcess:
        process = start(self, *arguments)
        return RemoteProcess(process.pid, process.start_ticks, "another boot")

    monkeypatch.setattr(DeviceFolder, "start", before_the_reboot)
    monkeypatch.setattr(LocalDevice, "alive", lambda *_: False)
    with pytest.raises(DeviceError, match="rebooted while cluster 0-1 was measured") as rebooted:
        made("exit 0")
    assert "--resume" in rebooted.value.remedy


def test_what_was_measured_is_taken_from_a_program_that_cannot_be_killed(
    made: Callable[[str], attempt.Ending], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def survives(self: LocalDevice, process: RemoteProcess) -> None:
        deadline = time.monotonic() + 10
        while not any((tmp_path / "work").rglob("*.jsonl")) and time.monotonic() < deadline:
            time.sleep(0.01)  # nobody follows any more
        kill(self, process)  # for the test's own end
        raise Unkillable("it goes on")

    kill = LocalDevice.kill
    monkeypatch.setattr(LocalDevice, "kill", survives)
    monkeypatch.setattr(attempt, "_GRACE_S", 0.02)
    monkeypatch.setattr(ClusterPlan, "deadline_s", lambda *_: 0)
    skip = {"type": "skip", "seq": 1, "launch": 0, "layer": "a", **fields("direct"), "reason": "no 1x1"}
    with pytest.raises(Unkillable):
        made(f"sleep 0.1\necho '{json.dumps(skip)}' >>$4\nsleep 300")
    assert (tmp_path / "run/devices/local/records.jsonl").read_bytes().count(b"no 1x1") == 1
