"""Files travel by their SHA-256: nothing else is kept under it."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

import pytest

from harness.errors import InfrastructureError
from harness.hosts.content import Content

pytestmark = pytest.mark.unit

DATA = b"\x7fELF program"
DIGEST = sha256(DATA).hexdigest()


def test_what_was_taken_is_there_and_runs(tmp_path: Path) -> None:
    content = Content()
    assert content.lacks([DIGEST]) == [DIGEST]
    content.take(DIGEST, DATA)
    assert content.lacks([DIGEST]) == []
    content.put(DIGEST, tmp_path / "convbench")
    assert (tmp_path / "convbench").read_bytes() == DATA and os.access(tmp_path / "convbench", os.X_OK)
    content.clear_old()
    assert content.lacks([DIGEST]) == []


def test_another_file_is_refused_and_a_damaged_one_is_not_there(isolated_state: Path, tmp_path: Path) -> None:
    content = Content()
    with pytest.raises(InfrastructureError, match="is not the one with SHA-256"):
        content.take(DIGEST, DATA + b"!")
    with pytest.raises(InfrastructureError, match="is no SHA-256"):
        content.lacks(["../../x"])
    content.take(DIGEST, DATA)
    (isolated_state / "harness/hosts/content" / DIGEST).write_bytes(b"cut")
    assert content.lacks([DIGEST]) == [DIGEST]
    with pytest.raises(InfrastructureError, match="lacks the file"):
        content.put(DIGEST, tmp_path / "convbench")
