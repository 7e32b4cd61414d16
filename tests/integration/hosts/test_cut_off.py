"""Hosts of a lab, each on a machine of its own as far as the network can tell: the cable of one is pulled."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks.hosts.__main__ import recorded
from harness.store.rundir import RunDir
from tests.conftest import NeedTool
from tests.networks import HUB, Network, network

pytestmark = pytest.mark.integration

pytest.importorskip("distributed")
HOSTS = ("alpha", "beta")
ADDRESS = f"tls://{HUB}:8786"
JOB_S, BUILT_S = 15.0, 200.0  # of a device's work; of building for it, if no test before has
WHOLE = 2 * 2 * 10  # samples: variants, launches, rounds
POLICY = "launches: 2\nrounds: 10\nmin_ms: 1\nblock_budget_s: 60\ncache: [hot]\ngate_cap_s: 0.1\nverdicts: false\n"
SUITE = """suite: replayed
policy: ./policy.yaml
algorithms: [im2col, indirect]
layers:
  - {name: body, h: 8, w: 8, kh: 3, kw: 3, pad: 1, cin: 8, cout: 8}
"""


@pytest.fixture
def machines(need_tool: NeedTool) -> Iterator[Network]:
    try:
        with network(HOSTS, need_tool) as made:
            yield made
    except OSError as error:
        pytest.skip(f"network namespaces are not allowed here: {error}")


class Lab:
    """A scheduler on the hub, and a host with two phones from memory on each machine."""

    def __init__(self, folder: Path, machines: Network) -> None:
        self._folder, self._machines = folder, machines
        self._all: list[subprocess.Popen[bytes]] = []

    def start(self, machine: str, name: str, *argv: str) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "XDG_STATE_HOME": str(self._folder / f"state-{name}")}
        argv = (sys.executable, "-m", *argv)
        process = self._machines.start(machine, argv, self._folder / f"{name}.log", environment, self._folder)
        self._all.append(process)
        return process

    def said(self, name: str) -> str:
        file = self._folder / f"{name}.log"
        return file.read_text() if file.exists() else ""

    def until(self, is_so: Callable[[], bool], seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not is_so():
            assert time.monotonic() < deadline, {file.name: file.read_text() for file in self._folder.glob("*.log")}
            time.sleep(0.1)

    def end(self) -> None:
        for process in self._all:
            process.kill()
            process.wait()


@pytest.fixture
def lab(tmp_path: Path, machines: Network) -> Iterator[Lab]:
    from harness.hosts.certificates import make

    make(tmp_path / "certificates", ["scheduler", "hosts", "users"])
    (tmp_path / "policy.yaml").write_text(POLICY)
    (tmp_path / "suite.yaml").write_text(SUITE)
    recording = str(recorded(tmp_path))
    made = Lab(tmp_path, machines)
    try:
        pages = ("--no-dashboard", "--dashboard-address", "127.0.0.1:0")
        files = (("ca-file", "ca"), ("cert", "cert"), ("key", "key"))
        tls = [f"--tls-{what}=certificates/scheduler/{file}.pem" for what, file in files]
        argv = ("distributed.cli.dask_scheduler", "--host", HUB, "--protocol", "tls", *pages, *tls)
        made.start("hub", "scheduler", *argv)
        made.until(lambda: "Scheduler at" in made.said("scheduler"))
        for number, name in enumerate(HOSTS):
            phones = (str(2 * number), "2", recording, str(JOB_S), "certificates/hosts")
            made.start(name, name, "benchmarks.hosts.host", ADDRESS, name, *phones)
        made.until(lambda: all("2 phones offered" in made.said(name) for name in HOSTS))
        yield made
    finally:
        made.end()


def test_a_host_whose_cable_is_pulled(lab: Lab, machines: Network, tmp_path: Path) -> None:
    command = ("harness.cli", "run", "suite.yaml", "--scheduler", ADDRESS, "--certificates", "certificates/users")
    front = lab.start("hub", "front", *command, "--abi", "arm64-v8a", "--out", "run")
    records = (tmp_path / "state-beta" / "harness" / "hosts" / "runs").glob
    lab.until(lambda: any('"sample"' in file.read_text() for file in records("*/*/devices/*/records.jsonl")), BUILT_S)
    machines.unplug("beta")
    assert front.wait(120) == 3, lab.said("front")
    # Both end within the same second or two: the front end's patience, and TCP's at the scheduler.
    assert len(re.findall("host beta is lost: (it was not heard of for 3|it has left)", lab.said("front"))) == 2
    run = RunDir(tmp_path / "run")
    counts = {name: run.device(name).records.read_text().count('"type":"sample"')
              for name in run.manifest().devices if run.device(name).records.exists()}  # fmt: skip
    assert counts == {"replay-0": WHOLE, "replay-1": WHOLE}, counts
    lab.until(lambda: "beta: cut off" in lab.said("beta"))  # it has noticed, and ended its work
    machines.plug_in("beta")
    lab.until(lambda: lab.said("beta").count("2 phones offered") == 2)
    dry = lab.start("hub", "dry", *command, "--abi", "arm64-v8a", "--dry-run")
    assert dry.wait(60) == 0, lab.said("dry")
    assert all(f"replay-{number} CPUs" in lab.said("dry") for number in range(4))
