"""A build folder of a test's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.paths import build_root
from harness.toolchain import builder, cmake


@pytest.fixture
def own_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A build folder of the test's own; zig's cache stays the shared one, or each test would take half a minute."""
    root = tmp_path / "build root"
    root.mkdir()
    (build_root() / "zig-cache").mkdir(parents=True, exist_ok=True)
    (root / "zig-cache").symlink_to(build_root() / "zig-cache")
    for module in (builder, cmake):
        monkeypatch.setattr(module, "build_root", lambda: root)
    return root
