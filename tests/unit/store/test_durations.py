"""What layers took in an earlier run, by its records."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import synthetic
from harness.store.durations import durations

pytestmark = pytest.mark.unit


def test_seconds_are_added_over_launches_and_averaged_over_clusters(tmp_path: Path) -> None:
    run = synthetic.make_run(tmp_path / "RUN", layers=synthetic.LAYERS[:2], launches=2, rounds=1)
    names = [layer["name"] for layer in synthetic.LAYERS[:2]]
    file = next((run / "devices").glob("*/records.jsonl"))
    found = durations(run)
    assert sorted(found) == sorted(names) and all(seconds > 0 for seconds in found.values())
    file.write_bytes(file.read_bytes() + b'\n{"type":"job"\n[]\n')
    assert durations(run) == found, "a damaged line is left out"
