"""Calibrations in the state folder: by phone and policy; damaged files are said, never gone by."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from harness.control import calibrations
from harness.devices.phone_id import PhoneId
from harness.model.calibration import Calibration, now

pytestmark = pytest.mark.unit

A, B = (PhoneId(serialno, "Pixel 3", "blueline", "10.0.0.7:5555") for serialno in ("A8812X", "B9913Y"))


def made(policy: str = "quick", days: int = 0) -> Calibration:
    told = {"policy_digest": "d", "build_id": "b", "system": "s", "suite": "c", "places": ()}
    return Calibration.model_validate({"policy": policy, "utc": now() - timedelta(days=days), **told})


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "harness" / "calibrations"


def test_kept_by_phone_and_policy(state: Path) -> None:
    assert calibrations.stored(A, "quick", pytest.fail) is None
    quick, thorough, other = made(), made("thorough"), made(days=3)
    file = calibrations.store(A, quick, pytest.fail)
    calibrations.store(A, thorough, pytest.fail)
    calibrations.store(B, other, pytest.fail)  # at the same address
    assert file == state / f"{A.digest}.json"
    assert calibrations.stored(A, "quick", pytest.fail) == quick
    assert calibrations.stored(A, "thorough", pytest.fail) == thorough
    assert calibrations.stored(B, "quick", pytest.fail) == other
    assert calibrations.stored(B, "thorough", pytest.fail) is None
    assert "A8812X" not in file.read_text()


def test_a_newer_one_takes_its_place() -> None:
    for found in (made(days=9), made()):
        calibrations.store(A, found, pytest.fail)
    assert calibrations.stored(A, "quick", pytest.fail) == found


def test_a_phone_that_is_known_by_something_else_since_finds_its_own() -> None:
    marked = replace(A, second="0a1b2c3d4e5f")
    shared = replace(marked, is_shared=True)
    calibrations.store(shared, made(), pytest.fail)
    assert calibrations.stored(marked, "quick", pytest.fail) is not None
    calibrations.store(A, made("thorough"), pytest.fail)  # by a number that a twin has too
    assert calibrations.stored(shared, "thorough", pytest.fail) is None


@pytest.mark.parametrize(
    "text",
    ["{", "[]", "7", '{"version": 2, "policies": {}}', '{"version": 1}', '{"version": 1, "policies": {"quick": 7}}',
     '{"version": 1, "policies": 7}', "[" * 9999],
    ids=["cut", "list", "number", "version", "no policies", "policy", "policies", "deep"],
)  # fmt: skip
def test_a_damaged_file_is_said_and_put_aside_by_who_writes(state: Path, text: str) -> None:
    state.mkdir(parents=True)
    file = state / f"{A.digest}.json"
    file.write_text(text)
    said: list[str] = []
    assert calibrations.stored(A, "quick", said.append) is None
    assert said == [f"{file} is damaged: it is not gone by"] and file.read_text() == text
    calibrations.store(A, made(), said.append)
    (aside,) = state.glob("*.damaged.*")
    assert aside.read_text() == text and aside.name in said[-1]
    assert calibrations.stored(A, "quick", pytest.fail) is not None


def test_what_is_sound_of_a_damaged_file_stays(state: Path) -> None:
    calibrations.store(A, made(), pytest.fail)
    file = state / f"{A.digest}.json"
    file.write_text(file.read_text().replace('"policies": {', '"policies": {"odd": 7,'))
    said: list[str] = []
    assert calibrations.stored(A, "quick", said.append) is not None and len(said) == 1
