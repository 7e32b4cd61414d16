"""How much CPU time the harness costs for each job where many phones are measured at once.

A scheduler, some hosts and a front end on this machine. The phones answer from memory and their convbench is a
recording of this machine's, stretched to the length of a job: nothing is emulated and no cable is counted, all else is
what a run does (locks, settings, programs by content, records followed and kept, artefacts checked). Prints a table of
docs/hosts.md.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.commandline import start
from harness.errors import InfrastructureError
from harness.hosts.front import lab_run
from harness.measure.context import Context
from harness.measure.request import Request
from harness.measure.run import runner
from harness.measure.stop import Stop
from harness.model.policy import load_policy
from harness.model.suite import load_suite
from harness.store.recordsfile import RecordsFile

_POLICY = "launches: 4\nrounds: 20\nmin_ms: 12\nblock_budget_s: 60\ncache: [hot]\ngate_cap_s: 0.1\nverdicts: false\n"
_SUITE = """suite: replayed
policy: ./policy.yaml
algorithms: [im2col, indirect]
layers:
  - {name: conv4_3x3, h: 14, w: 14, kh: 3, kw: 3, pad: 1, cin: 256, cout: 256}
  - {name: conv5_3x3, h: 7, w: 7, kh: 3, kw: 3, pad: 1, cin: 256, cout: 256}
"""
_PHONE = "arm64-v8a"
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cost:
    """CPU seconds by kind of process, and what they were spent on."""

    phones: int
    hosts_s: float
    scheduler_s: float
    front_s: float
    wall_s: float
    samples: int

    @property
    def per_job_s(self) -> float:
        """Of all processes."""
        return (self.hosts_s + self.scheduler_s + self.front_s) / self.phones


def command(
    phones: Annotated[str, typer.Option(help="how many, as in 50,100,200")] = "50,100,200",
    hosts: Annotated[int, typer.Option(min=1, help="that share them")] = 4,
    seconds: Annotated[float, typer.Option(min=1, help="of a job")] = 10.0,
) -> None:
    """Prints a line for each number of phones."""
    with tempfile.TemporaryDirectory(prefix="bench-hosts-") as place:
        folder = Path(place)
        os.environ["XDG_STATE_HOME"] = str(folder / "front")
        (folder / "policy.yaml").write_text(_POLICY)
        (folder / "suite.yaml").write_text(_SUITE)
        recording = recorded(folder)
        print("| phones | jobs' length | wall | hosts | scheduler | front end | CPU by job | samples by job |")
        print("|---|---|---|---|---|---|---|---|")
        for count in map(int, phones.split(",")):
            cost = _cost(folder, recording, count, hosts, seconds)
            print(
                f"| {count} | {seconds:.0f} s | {cost.wall_s:.1f} s | {cost.hosts_s:.1f} s | {cost.scheduler_s:.1f} s "
                f"| {cost.front_s:.1f} s | {cost.per_job_s:.3f} s | {cost.samples / count:.0f} |",
                flush=True,
            )


def recorded(folder: Path) -> Path:
    """The records of one cluster of this machine."""
    argv = [sys.executable, "-m", "harness.cli", "run", "suite.yaml", "--device", "local", "--out", "recorded"]
    done = subprocess.run([*argv, "--quiet"], cwd=folder, capture_output=True, text=True, check=False)
    file = folder / "recorded" / "devices" / "local" / "records.jsonl"
    if not file.exists():
        raise InfrastructureError(f"nothing was recorded: {done.stderr[-500:]}")
    runs = RecordsFile(file).runs()
    one = folder / "recording.jsonl"
    one.write_bytes(next(iter(runs.values())))
    return one


def _cost(folder: Path, recording: Path, phones: int, hosts: int, seconds: float) -> Cost:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    python = (sys.executable, "-m")
    with _process(*python, "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", str(port)) as scheduler:
        stack: list[subprocess.Popen[bytes]] = []
        try:
            each = -(-phones // hosts)
            for index in range(hosts):
                count = min(each, phones - index * each)
                arguments = (address, f"host-{index}", str(index * each), str(count), str(recording), str(seconds))
                environment = {**os.environ, "XDG_STATE_HOME": str(folder / f"{phones}-host-{index}")}
                stack.append(subprocess.Popen([*python, "benchmarks.hosts.host", *arguments], env=environment))
            return _measured(folder, address, phones, len(stack), stack, scheduler)
        finally:
            for host in stack:
                host.terminate()
            for host in stack:
                host.wait()


def _measured(
    folder: Path,
    address: str,
    phones: int,
    hosts: int,
    processes: list[subprocess.Popen[bytes]],
    scheduler: subprocess.Popen[bytes],
) -> Cost:
    suite = load_suite(str(folder / "suite.yaml"))
    policy = load_policy(str(folder / "policy.yaml"))
    request = Request(suite.name, suite.layers, policy, suite.algorithms, 1, toolchain="zig", abi=_PHONE)
    with lab_run(address, None, _ignore) as lab:
        deadline = time.monotonic() + 120
        while len(lab.hosts()) < hosts:
            if time.monotonic() > deadline:
                raise InfrastructureError("the hosts did not register")
            time.sleep(0.2)
        before = [_cpu_s(process.pid) for process in (*processes, scheduler)]
        began, own = time.monotonic(), time.process_time()
        context = Context(request, lab.find([]), _ignore, _unstopped, quiet=True, elsewhere=lab)
        result = runner.start(context, folder / f"run-{phones}")
        own, wall = time.process_time() - own, time.monotonic() - began
        spent = [_cpu_s(p.pid) - b for p, b in zip((*processes, scheduler), before, strict=True)]
    if result.code != 0 or len(result.outcomes) != phones:
        raise InfrastructureError(f"exit code {result.code}: {result.messages[:3]}")
    samples = sum(outcome.samples for outcome in result.outcomes)
    return Cost(phones, sum(spent[:-1]), spent[-1], own, wall, samples)


@contextmanager
def _process(*argv: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def _cpu_s(pid: int) -> float:
    """User and system time of a process, all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


@contextmanager
def _unstopped() -> Iterator[threading.Event]:
    yield Stop()


def _ignore(text: str) -> None:
    pass


if __name__ == "__main__":
    start(command)
