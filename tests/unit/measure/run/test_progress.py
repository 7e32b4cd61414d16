"""The line of a device: what is going on, and for how long."""

from __future__ import annotations

import time

import pytest

from harness.measure.run import progress
from harness.measure.run.progress import DeviceProgress
from harness.store import records

pytestmark = pytest.mark.unit


def test_a_lost_phone_is_shown_without_an_estimate(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    device = DeviceProgress("pixel-3")
    device.expect(jobs=4)
    device.cluster("4-7", 0)
    now += 10
    job = {"seq": 1, "type": "job", "launch": 0, "layer": "a", "rounds": 1, "rounds_planned": 1, "elapsed_s": 1}
    device.take(records.Job.model_validate({**job, "complete": True}))
    assert progress._line(device) == "pixel-3: 25 %, CPUs 4-7: checking results, 30 s left"
    device.lost(120.0)
    assert capsys.readouterr().err == "pixel-3: connection lost, trying again for 120 s\n"
    now += 20
    assert progress._line(device) == "pixel-3: 25 %, connection lost, trying again for 100 s"
    device.back()
    assert progress._line(device) == "pixel-3: 25 %, CPUs 4-7: checking results, 2 min left"
    device.lost(120.0)
    device.finish("failed")
    assert device.text == "failed"
