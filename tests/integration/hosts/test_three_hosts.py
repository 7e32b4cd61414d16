"""A lab of three hosts, each with an adb server and two phones of its own: one is killed in the middle of a run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from socket import socket

import pytest

from tests.integration.conftest import Lab
from tests.integration.run.conftest import Run

pytestmark = pytest.mark.integration

HOSTS = ("alpha", "beta", "gamma")
MODELS = ("pixel-3", "galaxy-s8")
POLICY = {"launches": 2, "rounds": 12, "min_ms": 1, "block_budget_s": 60, "cache": ["hot"], "gate_cap_s": 0.1}
WHOLE = 2 * 2 * 12  # samples of a device: clusters, launches, rounds
SUITE = """suite: mine
policy: ./policy.yaml
algorithms: [indirect]
layers:
  - {name: body, h: 8, w: 8, kh: 3, kw: 3, pad: 1, cin: 8, cout: 8}
"""


class Processes:
    """Programs in the background; what they said goes to files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._all: list[subprocess.Popen[bytes]] = []

    def start(self, name: str, *argv: str, **environment: str) -> subprocess.Popen[bytes]:
        with (self._folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                argv,
                cwd=self._folder,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._all.append(process)
        return process

    def said(self, name: str) -> str:
        return (self._folder / f"{name}.log").read_text()

    def until_said(self, name: str, text: str, times: int = 1) -> None:
        deadline = time.monotonic() + 60
        while self.said(name).count(text) < times:
            assert time.monotonic() < deadline, self.said(name)
            time.sleep(0.1)

    def end(self) -> None:
        for process in self._all:
            if process.poll() is None:
                process.kill()
            process.wait()


@pytest.fixture
def labs(tmp_path_factory: pytest.TempPathFactory, lab: Lab) -> Iterator[dict[str, Lab]]:
    """By host: an adb server, and two phones on it. ``lab`` says whether this machine can run any."""
    made: dict[str, Lab] = {}
    try:
        for name in HOSTS:
            made[name] = Lab(free_port(), tmp_path_factory.mktemp(f"{name} state"), lab.program)
            for model in MODELS:
                made[name].up(model)
        yield made
    finally:
        for each in made.values():
            each.close()


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    made = Processes(tmp_path)
    yield made
    made.end()


def free_port() -> int:
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def samples_on(lab: Lab) -> int:
    """How many samples a host has that no front end has taken yet."""
    files = (lab.state / "harness" / "hosts" / "runs").glob("*/*/devices/*/records.jsonl")
    return sum(file.read_text().count('"sample"') for file in files)


def test_a_run_survives_a_stop_and_the_loss_of_a_host(
    labs: dict[str, Lab], processes: Processes, tmp_path: Path
) -> None:
    pytest.importorskip("distributed")
    harness, dask = (sys.executable, "-m", "harness.cli"), (sys.executable, "-m", "distributed.cli.dask_scheduler")
    port = str(free_port())
    scheduler = ("--scheduler", f"tcp://127.0.0.1:{port}")
    processes.start(
        "scheduler",
        *dask,
        "--host",
        "127.0.0.1",
        "--port",
        port,
        "--no-dashboard",
        "--dashboard-address",
        "127.0.0.1:0",
    )
    processes.until_said("scheduler", "Scheduler at")

    def host(name: str) -> subprocess.Popen[bytes]:
        server = labs[name].server
        argv = ("host", *scheduler, "--name", name, "--adb-server", server)
        return processes.start(name, *harness, *argv, **labs[name].environment)

    def until_measuring(least: int) -> None:
        deadline = time.monotonic() + 120
        while samples_on(labs["beta"]) < least:
            assert time.monotonic() < deadline and front.poll() is None, processes.said("front")
            time.sleep(0.1)

    def left_on_phones(*names: str) -> list[str]:
        at_work = ["ls -A /data/local/tmp; settings get global stay_on_while_plugged_in"]
        return [lab.shell(phone, *at_work) for name in names for lab in [labs[name]] for phone in lab.phones]

    hosts = {name: host(name) for name in HOSTS}
    for name in HOSTS:
        processes.until_said(name, "2 phones offered")
    (tmp_path / "policy.yaml").write_text(json.dumps(POLICY | {"verdicts": False}))
    (tmp_path / "mine.yaml").write_text(SUITE)
    run = Run(tmp_path / "run")

    # Ctrl-C: the hosts end their work in order, and what they have measured is here.
    front = processes.start("front", *harness, "run", "mine.yaml", *scheduler, "--out", "run")
    until_measuring(1)
    front.send_signal(signal.SIGINT)
    assert front.wait(120) == 130, processes.said("front")
    assert left_on_phones(*HOSTS) == ["0"] * 6
    assert len(run.devices) == 6
    begun = {name: sum(run.samples(name).values()) for name in run.devices}
    assert any(0 < count < WHOLE for count in begun.values()), begun

    # A host is killed: its phones have failed, the others are whole.
    front = processes.start("front", *harness, "run", "--resume", "run", *scheduler)
    until_measuring(2 * max(begun.values()) + 1)  # more than both of its devices had
    hosts["beta"].send_signal(signal.SIGKILL)
    assert front.wait(180) == 3, processes.said("front")
    assert "host beta is lost" in processes.said("front")
    counts = {name: sum(run.samples(name).values()) for name in run.devices}
    assert sorted(counts.values())[2:] == [WHOLE] * 4 and min(counts.values()) < WHOLE, counts
    before = {name: run.path.joinpath("devices", name, "records.jsonl").read_bytes() for name in run.devices}

    # It is back: it brings what it has measured, and measures the rest.
    host("beta")
    processes.until_said("beta", "2 phones offered", times=2)
    front = processes.start("front", *harness, "run", "--resume", "run", *scheduler)
    assert front.wait(180) == 0, processes.said("front")
    for name in run.devices:
        samples = run.samples(name)
        assert len(samples) == WHOLE and max(samples.values()) == 1
        assert run.path.joinpath("devices", name, "records.jsonl").read_bytes().startswith(before[name])
    assert left_on_phones(*HOSTS) == ["0"] * 6
    assert "Traceback" not in processes.said("front")
    numbers = [
        json.loads(run.path.joinpath("devices", name, "device.json").read_text())["identity"]["serialno"]
        for name in run.devices
    ]
    assert len(set(numbers)) == 6
    run.tell_no_serial(*numbers)
