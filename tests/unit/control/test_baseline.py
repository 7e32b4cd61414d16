"""Baselines: the lowest start temperature of a device's heat source."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.control import baseline

pytestmark = pytest.mark.unit


def test_lowest_is_kept_per_device_and_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert baseline.stored("A", "cpu:0") is None
    for temperature in (31.5, 30.25, 40.0):
        baseline.store("A", "cpu:0", temperature)
    baseline.store("B", "cpu:0", 50.0)
    assert baseline.stored("A", "cpu:0") == 30.25
    assert baseline.stored("A", "battery") is None
    assert "A/" not in (tmp_path / "harness" / "baselines.json").read_text()


def test_damaged_file_counts_as_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    (tmp_path / "harness").mkdir()
    (tmp_path / "harness" / "baselines.json").write_text('["x"')
    assert baseline.stored("A", "cpu:0") is None
    baseline.store("A", "cpu:0", 31.0)
    assert baseline.stored("A", "cpu:0") == 31.0
