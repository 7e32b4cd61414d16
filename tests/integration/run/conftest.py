"""The command line over virtual phones: runs to their end or in the background, and what they leave."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.lab.manager import PhoneHandle
from tests.conftest import Answer
from tests.forks import Forks, Process

LAYERS = {
    "body": "h: 8, w: 8, kh: 3, kw: 3, pad: 1, cin: 8, cout: 8",
    "point": "h: 8, w: 8, kh: 1, kw: 1, cin: 8, cout: 16",
}
STAY_ON = "global stay_on_while_plugged_in"
IDENTITY = ("cluster", "launch", "round", "position", "layer", "variant", "cache", "build")


class Run:
    """A run directory."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def devices(self) -> list[str]:
        return sorted(folder.name for folder in (self.path / "devices").iterdir())

    @property
    def manifest(self) -> Any:
        return json.loads((self.path / "manifest.json").read_text())

    def lines(self, file: str, device: str = "") -> list[dict[str, Any]]:
        """Whole lines of a JSON Lines file of a device, by default the only one."""
        data = (self.path / "devices" / (device or self.devices[0]) / file).read_bytes()
        return [json.loads(line) for line in data.split(b"\n")[:-1]]

    def records(self, kind: str = "", device: str = "") -> list[dict[str, Any]]:
        """Records, each with the cluster of its header; only those of a kind."""
        found, cluster = [], ""
        for record in self.lines("records.jsonl", device):
            cluster = record.get("cluster", cluster)
            found.append({**record, "cluster": cluster})
        return [record for record in found if kind in ("", record["type"])]

    def samples(self, device: str = "") -> Counter[tuple[Any, ...]]:
        """How often each sample is on record."""
        return Counter(tuple(sample[key] for key in IDENTITY) for sample in self.records("sample", device))

    def events(self, device: str = "") -> list[str]:
        return [str(event["event"]) for event in self.lines("events.jsonl", device)]

    def steps(self, setting: str = "stay_awake", device: str = "") -> list[str]:
        """What was done to a setting."""
        return [str(line["step"]) for line in self.lines("settings.jsonl", device) if line["setting"] == setting]

    def shorten(self, rounds: int) -> None:
        """Lets a resumed run end soon."""
        manifest = self.manifest
        manifest["policy"]["rounds"] = rounds
        (self.path / "manifest.json").write_text(json.dumps(manifest))

    def tell_no_serial(self, *serials: str) -> None:
        """Serial numbers stand in device.json only."""
        files = [file for file in self.path.rglob("*") if file.is_file()]
        assert len(files) > 5
        for file in files:
            found = re.findall(rb"127\.0\.0\.1:6\d{3}|" + "|".join(map(re.escape, serials)).encode(), file.read_bytes())
            assert bool(found) == (file.name == "device.json"), f"{file}: {found}"


class Background:
    """A run in progress."""

    def __init__(self, process: Process | subprocess.Popen[str], run: Run) -> None:
        self.process = process
        self.run = run

    def until(self, condition: Callable[[Run], object], seconds: float = 180) -> None:
        """Waits; fails when the run ends or the time is over before."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            ended = self.process.poll() is not None
            try:
                if condition(self.run):
                    return
            except (OSError, ValueError, IndexError):
                pass  # not written yet
            assert not ended, f"the run ended ({self.process.returncode}): {self.process.communicate()[1]}"
            time.sleep(0.05)
        raise AssertionError("it did not happen in time")

    def until_samples(self, count: int = 3, device: str = "") -> None:
        self.until(lambda run: len(run.records("sample", device)) >= count)

    def end(self, seconds: float = 120) -> tuple[int, str]:
        """Exit code and stderr at its end."""
        _, err = self.process.communicate(timeout=seconds)
        assert "Traceback" not in err, err
        assert self.process.returncode is not None
        return self.process.returncode, err


class Bench:
    """The tool in a folder, and the phones of a lab."""

    def __init__(self, lab: Any, folder: Path, command_line: Callable[..., Any], forks: Forks | None = None) -> None:
        """``forks``: what begins runs; None: each is started from nothing."""
        self.lab = lab
        self.folder = folder
        self.run = Run(folder / "run")
        self._command_line = command_line
        self._forks = forks
        self._begun: list[Process | subprocess.Popen[str]] = []

    def __call__(self, *argv: str) -> Any:
        """Runs ``harness ARGS`` to its end: code, out, err."""
        return self._command_line(*argv, cwd=self.folder, **self.lab.environment)

    def begin(self, *argv: str) -> Background:
        """Starts ``harness run ARGS`` into folder/run."""
        process: Process | subprocess.Popen[str]
        command, environment = ["run", *argv, "--out", "run"], {**os.environ, **self.lab.environment}
        if self._forks is None:
            process = subprocess.Popen(
                [sys.executable, "-m", "harness.cli", *command],
                cwd=self.folder,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        else:
            process = self._forks.begin(command, self.folder, environment)
        self._begun.append(process)
        return Background(process, self.run)

    def end(self) -> None:
        for process in self._begun:
            process.kill()
            process.communicate()

    def suite(self, *layers: str, **policy: object) -> str:
        """A suite of tiny layers with a policy of its own, as a path."""
        wanted = {"launches": 1, "rounds": 2, "min_ms": 1, "block_budget_s": 60, "cache": "[hot]", "gate_cap_s": 0.5}
        wanted |= {"verdicts": "false"}  # a machine that runs tests is no quiet one
        (self.folder / "policy.yaml").write_text("".join(f"{k}: {v}\n" for k, v in {**wanted, **policy}.items()))
        lines = "".join(f"  - {{name: {name}, {LAYERS[name]}}}\n" for name in layers or ("body",))
        (self.folder / "mine.yaml").write_text(f"suite: mine\npolicy: ./policy.yaml\nlayers:\n{lines}")
        return "mine.yaml"

    def long_suite(self, **policy: object) -> str:
        """A suite that takes about half a minute."""
        return self.suite("body", **{"launches": 3, "rounds": 100, "min_ms": 20, "block_budget_s": 300, **policy})

    def stay_on(self, phone: PhoneHandle) -> str:
        return str(self.lab.shell(phone, f"settings get {STAY_ON}"))

    def processes(self, phone: PhoneHandle) -> list[str]:
        """Command lines of convbench on the phone."""
        lines = self.lab.shell(
            phone, "for p in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <$p; echo; done 2>/dev/null; true"
        )
        return [line for line in lines.splitlines() if "convbench" in line]

    def left(self, phone: PhoneHandle) -> list[str]:
        """What is on the phone of ours: files of its work folder, command lines."""
        return [*self.lab.shell(phone, "ls -A /data/local/tmp").splitlines(), *self.processes(phone)]

    def is_clean(self, phone: PhoneHandle) -> None:
        """Nothing of ours is left on the phone."""
        assert self.left(phone) == []


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    """What begins commands that are imported already."""
    made = Forks()
    yield made
    made.close()


@pytest.fixture(scope="session")
def forked(forks: Forks) -> Callable[..., Answer]:
    """As ``command_line``, by a fork."""

    def run(*argv: str, cwd: Path, timeout: float = 240, **env: str) -> Answer:
        process = forks.begin(argv, cwd, {**os.environ, **env})
        try:
            out, err = process.communicate(timeout)
        finally:
            process.kill()
        assert "Traceback" not in err, err
        assert process.returncode is not None
        return Answer(process.returncode, out, err)

    return run


@pytest.fixture(scope="module")
def bench_in(lab: Any, forked: Callable[..., Any], forks: Forks) -> Callable[[Path], Bench]:
    """A bench in a folder of the caller's."""
    return lambda folder: Bench(lab, folder, forked, forks)


@pytest.fixture
def bench(bench_in: Callable[[Path], Bench], tmp_path: Path) -> Iterator[Bench]:
    """A bench in tmp_path; runs still in progress end with the test."""
    made = bench_in(tmp_path)
    yield made
    made.end()
