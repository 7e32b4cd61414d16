"""A convbench that does not end by itself: the host ends it, and keeps what it measured."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.devices.base import Attached
from harness.devices.local import LocalDevice
from harness.exit_codes import ExitCode
from harness.measure.context import Context
from harness.measure.device_folder import programs_of
from harness.measure.request import Request
from harness.measure.run import attempt, runner
from harness.measure.run.clusterplan import ClusterPlan
from harness.model.policy import load_policy
from harness.model.suite import load_suite
from harness.store import records
from harness.store.recordsfile import RecordsFile, parsed
from harness.store.rundir import RunDir

pytestmark = pytest.mark.e2e


@contextmanager
def never() -> Iterator[threading.Event]:
    yield threading.Event()


def test_a_convbench_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = tmp_path / "slow.yaml"
    policy.write_text("launches: 1\nrounds: 4000\nmin_ms: 20\nblock_budget_s: 600\ncache: [hot]\nverdicts: false\n")
    suite, device = load_suite("smoke"), LocalDevice()
    request = Request("mine", suite.layers[:1], load_policy(str(policy)), ("indirect", "im2col"), 7)
    monkeypatch.setattr(ClusterPlan, "deadline_s", lambda self, identity: 3600)
    monkeypatch.setattr(attempt, "_GRACE_S", 6.0 - 3600)
    done = runner.start(Context(request, Attached((device,)), print, never), tmp_path / "run")
    assert done.code == ExitCode.INFRASTRUCTURE
    message, unmeasured = done.messages
    cpus = device.topology().clusters[-1].label
    assert message.startswith(f"local: cluster {cpus}: convbench had not ended after 6 s")
    assert f"harness run --resume {done.directory}" in message
    assert unmeasured == f"local: not measured of cluster {cpus}: launch 1: {request.layers[0].name}"
    file = RecordsFile(done.directory / "devices" / "local" / "records.jsonl")
    (kept,) = (list(parsed(lines)) for lines in file.runs().values())
    assert sum(isinstance(record, records.Sample) for record in kept) == done.outcomes[0].samples > 0
    assert not isinstance(kept[-1], records.End)
    folder = f"{device.work_root()}/harness-{RunDir(done.directory).run_id}"
    assert programs_of(device, f"{folder}/convbench") == []
    assert not Path(folder).exists()
