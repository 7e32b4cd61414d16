"""What the manifest keeps of the checkout."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.measure.run import manifest
from harness.toolchain.git import GitFailed

pytestmark = pytest.mark.unit


def test_the_commit_is_kept_where_git_tells_no_status(monkeypatch: pytest.MonkeyPatch) -> None:
    def git(_root: Path, what: str, *_: str) -> bytes:
        if what == "status":
            raise GitFailed("index file corrupt")
        return b"abc\n"

    monkeypatch.setattr(manifest, "in_checkout", lambda: True)
    monkeypatch.setattr(manifest, "git", git)
    assert manifest._git() == {"commit": "abc", "dirty": None}
