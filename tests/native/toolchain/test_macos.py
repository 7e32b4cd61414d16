"""Library and convbench for macOS, which cannot run here: they compile and link, as on a Mac."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from harness.toolchain import macho
from harness.toolchain.builder import build

pytestmark = pytest.mark.native


def test_a_program_for_macos(own_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    monkeypatch.delenv("CC", raising=False)
    built = build("host")
    assert (built.path, built.info["machine"]) == (own_root / "host/convbench", macho.MACHINE)
    assert built.build_id == macho.check(built.path).build_id and len(built.build_id) == 32
    assert built.library.read_bytes().startswith(b"!<arch>")
