"""Baselines: the hottest plateau of a phone's heat source."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.control import baseline
from harness.devices.phone_id import PhoneId

pytestmark = pytest.mark.unit

A, B = (PhoneId(serialno, "Pixel 3", "blueline", "10.0.0.7:5555") for serialno in ("A8812X", "B9913Y"))


def test_highest_is_kept_per_phone_and_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert baseline.stored(A, "cpu:0", pytest.fail) is None
    for temperature in (30.25, 31.5, 25.0):
        baseline.store(A, "cpu:0", temperature, pytest.fail)
    baseline.store(B, "cpu:0", 50.0, pytest.fail)  # at the same address
    assert baseline.stored(A, "cpu:0", pytest.fail) == 31.5
    assert baseline.stored(A, "battery", pytest.fail) is None
    assert "A8812X" not in (tmp_path / "harness" / "baselines.json").read_text()


def test_a_damaged_file_counts_as_unknown_is_said_and_kept_aside_by_who_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    file = tmp_path / "harness" / "baselines.json"
    file.parent.mkdir()
    file.write_text('["x"')
    said: list[str] = []
    assert baseline.stored(A, "cpu:0", said.append) is None
    assert said == [f"{file} is damaged: no baseline is known"] and file.read_text() == '["x"'
    baseline.store(A, "cpu:0", 31.0, said.append)
    (aside,) = file.parent.glob("baselines.json.damaged.*")
    assert aside.read_text() == '["x"' and aside.name in said[1]
    assert baseline.stored(A, "cpu:0", pytest.fail) == 31.0


def test_it_is_found_by_each_name_that_is_surely_the_phone_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    marked = replace(A, second="0a1b2c3d4e5f")
    shared = replace(marked, is_shared=True)
    baseline.store(shared, "cpu:0", 31.5, pytest.fail)
    assert baseline.stored(marked, "cpu:0", pytest.fail) == 31.5
    baseline.store(A, "battery", 33.0, pytest.fail)  # by a number that a twin has too
    assert baseline.stored(shared, "battery", pytest.fail) is None
