"""Settings of a phone of memory, and a state folder of the test's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.settings_phone import Phone


@pytest.fixture
def phone() -> Phone:
    return Phone()


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "harness" / "settings"
