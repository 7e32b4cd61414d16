"""Packages: what is refused, where Debian's archive is, what is said where one cannot be had."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.comparators import fetching, places
from harness.comparators.fetching import fetch, is_fetched, mirror_in
from harness.comparators.table import Library
from harness.digest import sha256_of
from harness.errors import InfrastructureError
from tests.unit.comparators.test_table import LIBRARY, PACKAGE
from tests.unit.comparators.test_unpacking import deb

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(places.VARIABLE, str(tmp_path / "comparators"))
    monkeypatch.setattr(fetching, "_mirror", lambda: "http://mirror/debian")
    monkeypatch.setattr(fetching, "KEYRING", tmp_path)
    monkeypatch.setattr(Path, "is_file", lambda self: self == tmp_path or self.exists())
    monkeypatch.setattr(shutil, "which", lambda _: "/usr/bin/apt-get")
    return tmp_path / "comparators"


def library(sha256: str) -> Library:
    return Library.model_validate({**LIBRARY, "packages": [{**PACKAGE, "sha256": {"aarch64": sha256}}]})


def test_a_package_of_another_digest_is_refused_and_nothing_unpacked(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = deb(tmp_path / "libx.deb", {"./usr/lib/x": b"library"})
    calls: list[Sequence[str]] = []

    def run(argv: Sequence[str], _: object, folder: Path | None = None) -> None:
        calls.append(argv)
        if folder is not None:
            shutil.copy(package, folder)

    monkeypatch.setattr(fetching, "_run", run)
    other = library("0" * 64)
    with pytest.raises(
        InfrastructureError, match=f"has SHA-256 {sha256_of(package)}, not 0000.*nothing of it is unpac"
    ):
        fetch(other, "aarch64", lambda _: None)
    assert not is_fetched(other, "aarch64") and not (root / "packages").exists()
    assert not list(root.glob(".fetching-*"))
    right = library(sha256_of(package))
    fetch(right, "aarch64", lambda _: None)
    assert is_fetched(right, "aarch64")
    assert (places.unpacked(right.packages[0], "aarch64") / "lib" / "x").read_bytes() == b"library"
    more = Library.model_validate(right.model_dump() | {"packages": [{**right.packages[0].model_dump(), "take": {}}]})
    assert not is_fetched(more, "aarch64")  # another table takes other files of it
    assert calls[-1][-2:] == ["download", "libx:arm64=1"] and str(root / "apt" / "trixie" / "apt.conf") in calls[-1]
    sources = (root / "apt" / "trixie" / "sources.list").read_text()
    assert sources == f"deb [signed-by={tmp_path}] http://mirror/debian trixie main\n"
    count = len(calls)
    fetch(right, "aarch64", lambda _: None)
    assert len(calls) == count  # it is there


def test_one_that_cannot_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = library("0" * 64)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 100, "E: gone\n"))
    with pytest.raises(InfrastructureError, match="libx 1 cannot be fetched: E: gone") as told:
        fetch(wanted, "aarch64", lambda _: None)
    assert "--from DIR" in told.value.remedy
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(InfrastructureError, match="apt-get is not on this machine"):
        fetch(wanted, "aarch64", lambda _: None)


def test_the_archive_is_the_first_of_debian() -> None:
    security = "Debian|Debian-Security|http://a/debian-security/"
    assert mirror_in(f"x|y|http://other/\n{security}\nDebian|Debian|http://b/debian/\n") == "http://b/debian/"
    assert mirror_in("||http://other/\n||http://c/debian/\n") == "http://c/debian/"  # no list was fetched yet
    assert mirror_in(f"{security}\n||\nnonsense") == ""
