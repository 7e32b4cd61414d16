"""configs/comparators: what is in the files, and what is refused."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import pytest

from harness.comparators import table
from harness.comparators.environment import lock_file, locked
from harness.comparators.table import Library, every, libraries, libraries_of, named
from harness.errors import UsageError
from harness.model.variant import ALGORITHMS
from harness.paths import data_root

pytestmark = pytest.mark.unit

PACKAGE: dict[str, Any] = {
    "apt": "libx", "suite": "trixie", "version": "1", "sha256": {"aarch64": "0" * 64}, "take": {"lib/x": "usr/lib/x"},
}  # fmt: skip
LIBRARY: dict[str, Any] = {
    **{"library": "x", "title": "X", "version": "1", "licence": "MIT", "counts": "", "names": {"x": ""}},
    **{"sources": ["shim.c"], "pushed_bytes": {"aarch64": 1}, "packages": [PACKAGE]},
}


def test_every_name_is_one_of_a_worker_once_and_none_of_ours() -> None:
    names = [each.name for each in every()]
    assert len(set(names)) == len(names) and not set(names) & set(ALGORITHMS)
    assert {"acl", "acl-gemm", "acl-gemm-conv2d", "acl-direct", "acl-winograd", "acl-fft", "xnnpack"} < set(names)
    assert all(each.licence and each.version and each.title for each in libraries())
    assert libraries_of(["acl-fft", "acl", "acl-direct"], "fetch") == libraries_of(["acl"], "fetch")
    with pytest.raises(UsageError, match="--comparator: no comparator 'xnnpac'") as wrong:
        named("xnnpac", "--comparator")
    assert "xnnpack" in wrong.value.remedy and "harness comparators list" in wrong.value.remedy


def test_sources_and_wheels_are_there() -> None:
    workers, text = data_root() / "native" / "workers", lock_file().read_text()
    for library in libraries():
        assert all((workers / source).is_file() for source in library.sources)
        if library.is_python:
            entries = locked(text, library.wheels)
            assert entries.count("==") == len(library.wheels) and entries.count("--hash=sha256:") >= len(library.wheels)
    with pytest.raises(UsageError, match=r"has no nosuch"):
        locked(text, ["numpy", "nosuch"])


def test_abis(monkeypatch: pytest.MonkeyPatch) -> None:
    acl, xnnpack, ncnn = (named(name, "").library for name in ("acl", "xnnpack", "ncnn"))
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    assert (acl.abis, ncnn.abis) == (("arm64-v8a",), ("host",))
    assert xnnpack.abis == ("host", "arm64-v8a", "x86_64")
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    assert (acl.abis, ncnn.abis) == (("host", "arm64-v8a"), ())
    assert xnnpack.machine("host") == "aarch64" and xnnpack.machine("armeabi-v7a") is None


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"packages": [{**PACKAGE, "take": {"lib/../../x": "usr/x"}}]}, "leads out of its folder"),
        ({"packages": [{**PACKAGE, "take": {"lib/x": "/etc/passwd"}}]}, "leads out of its folder"),
        ({"packages": [{**PACKAGE, "take": {"bin/x": "usr/x"}}]}, "not a file or folder in include, lib, licences"),
        ({"packages": [{**PACKAGE, "take": {"lib/": "usr/x"}}]}, "not a file or folder in"),
        ({"packages": [{**PACKAGE, "sha256": {"aarch64": "0" * 63}}]}, "64 hex digits"),
        ({"packages": [{**PACKAGE, "pip": "x"}]}, "one of apt with its suite, or of pip"),
        ({"packages": [{**PACKAGE, "sha256": {"x86_64": "0" * 64}}]}, "a SHA-256 for each machine"),
        ({"names": {"a b": ""}}, "those of workers"),
        ({"language": "python"}, "has wheels, and an adapter for each name"),
        ({"packages": []}, "has sources, packages and pushed_bytes"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_is_refused(change: dict[str, Any], what: str) -> None:
    Library.model_validate(LIBRARY)
    with pytest.raises(ValueError, match=what):
        Library.model_validate({**LIBRARY, **change})


def test_a_damaged_file_is_told_with_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "configs" / "comparators").mkdir(parents=True)
    (tmp_path / "configs" / "comparators" / "x.yaml").write_text("library: x\ntitel: X\n")
    monkeypatch.setattr(table, "data_root", lambda: tmp_path)
    with pytest.raises(UsageError, match=r"x\.yaml:2: titel: unknown key"):
        libraries.__wrapped__()
