"""The host's own folders: what is wrong with one is said with its variable, before anything is compiled."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness import paths
from harness.errors import InfrastructureError
from harness.toolchain import builder

pytestmark = pytest.mark.unit


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "in_checkout", lambda: False)


@pytest.mark.parametrize("variable", ["XDG_STATE_HOME", "XDG_CACHE_HOME"])
def test_a_folder_that_cannot_be_made(
    installed: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, isolated_home: Path, variable: str
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv(variable, str(tmp_path / "file" / "x"))
    with pytest.raises(InfrastructureError, match="Not a directory") as caught:
        paths.check_folders()
    assert str(tmp_path / "file" / "x") in caught.value.message
    assert variable in caught.value.remedy


def test_a_folder_that_cannot_be_written(
    installed: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, isolated_home: Path
) -> None:
    def refuse(dir: Path) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(paths, "TemporaryFile", refuse)
    with pytest.raises(InfrastructureError, match=r"state folder .* cannot be written: Read-only file system"):
        paths.check_folders()
    called: list[str] = []
    monkeypatch.setattr(builder, "choose", lambda *_: called.append("a toolchain"))
    with pytest.raises(InfrastructureError, match=r"build folder .* cannot be written") as caught:
        builder.build("host")
    assert "XDG_CACHE_HOME" in caught.value.remedy and called == []


@pytest.mark.parametrize("home", [None, "", "relative"])
def test_no_home_at_all(installed: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, home: str | None) -> None:
    def nobody() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("HOME", raising=False)
    if home is None:
        monkeypatch.setattr(Path, "home", nobody)
    else:
        monkeypatch.setenv("HOME", home)
    assert paths.user_home() is None
    with pytest.raises(InfrastructureError, match="no home folder") as caught:
        paths.check_folders()
    assert "XDG_STATE_HOME" in caught.value.remedy
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with pytest.raises(InfrastructureError, match="no home folder") as caught:
        paths.check_folders()
    assert "XDG_CACHE_HOME" in caught.value.remedy
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    paths.check_folders()


def test_another_users_folder_is_named_as_such(
    installed: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, isolated_home: Path, need_root: None
) -> None:
    (tmp_path / "file").touch()
    os.chown(tmp_path / "file", 12345, -1)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file" / "x"))
    with pytest.raises(InfrastructureError, match=r"belongs to user 12345, this is user 0\)"):
        paths.check_folders()


def test_spaces_umlauts_and_relative_values(
    installed: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, isolated_home: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "Zustände hier"))
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")  # the XDG standard: such a value is ignored
    paths.check_folders()
    assert (tmp_path / "Zustände hier" / "harness").is_dir()
    assert paths.build_root() == isolated_home / ".cache" / "harness"
