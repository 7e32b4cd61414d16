"""Builds that were brought along: taken as they are, refused where they are not what the run would say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.digest import sha256_of
from harness.errors import UsageError
from harness.paths import data_root
from harness.toolchain import cache, ready
from harness.toolchain.builder import build

pytestmark = pytest.mark.unit


@pytest.fixture
def brought(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one, named by the variable."""
    folder = tmp_path / "arm64-v8a-zig"
    folder.mkdir()
    for file in (cache.PROGRAM, cache.LIBRARY):
        (folder / file).write_text(file)
    record = {
        **{"abi": "arm64-v8a", "toolchain": "zig", "build_id": "ab" * 20},
        "sources": cache.sources_hash([data_root() / "native", data_root() / "ndk"]),
        "sha256": {file: sha256_of(folder / file) for file in (cache.PROGRAM, cache.LIBRARY)},
    }
    (folder / cache.RECORD).write_text(json.dumps(record))
    monkeypatch.setenv(ready.VARIABLE, str(tmp_path))
    return folder


@pytest.mark.parametrize("toolchain", ["auto", "zig"])
def test_nothing_is_compiled(brought: Path, toolchain: str) -> None:
    built = build("arm64-v8a", toolchain)
    assert (built.path, built.library) == (brought / "convbench", brought / "libindirectconv.a")
    assert (built.build_id, built.toolchain, built.abi, built.cached) == ("ab" * 20, "zig", "arm64-v8a", True)


def test_others_are_built_here(brought: Path) -> None:
    assert ready.find("host", "auto") is None and ready.find("arm64-v8a", "ndk") is None
    assert ready.find("arm64-v8a", "zig", {}) is None


def test_what_is_damaged_or_of_other_sources_is_refused(brought: Path) -> None:
    record = json.loads((brought / cache.RECORD).read_text())
    (brought / cache.RECORD).write_text(json.dumps({**record, "sources": "0" * 64}))
    with pytest.raises(UsageError, match="was built of other sources"):
        build("arm64-v8a", "auto")
    (brought / cache.PROGRAM).write_text("another")
    with pytest.raises(UsageError, match="is damaged"):
        build("arm64-v8a", "auto")
