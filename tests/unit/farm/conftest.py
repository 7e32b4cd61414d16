"""What tests of collecting share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the artefacts."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "jobs"
    folder.mkdir()
    return folder
