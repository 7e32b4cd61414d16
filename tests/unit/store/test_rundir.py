"""Run directories: made once, locked, never over somebody's files."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import InfrastructureError, UsageError
from harness.store.rundir import RunDir, device_names, new_run_dir, point_latest, slug

pytestmark = pytest.mark.unit


def make(out: Path | None) -> Path:
    """A run directory with something in it."""
    with new_run_dir(out, "quick") as run:
        (run.path / "manifest.json").touch()
        return run.path


def test_out_that_is_not_empty_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="not empty"):
        make(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_out_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="file"):
        make(tmp_path / "file")


def test_empty_out_is_taken(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    assert make(tmp_path / "new") == tmp_path / "new"


@pytest.mark.parametrize("theirs", [True, False])
def test_a_run_that_fails_at_once_leaves_what_was_there(tmp_path: Path, theirs: bool) -> None:
    out = tmp_path / "out"
    if theirs:
        out.mkdir()
    with pytest.raises(ZeroDivisionError), new_run_dir(out, "quick"):
        raise ZeroDivisionError
    assert out.exists() == theirs
    assert not theirs or not list(out.iterdir())


def test_two_runs_never_share_a_folder(tmp_path: Path) -> None:
    with new_run_dir(tmp_path, "quick"), pytest.raises(UsageError, match="another harness run"):
        make(tmp_path)


def test_two_runs_of_one_second_get_two_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    first, second = make(None), make(None)
    assert first != second
    point_latest(RunDir(second))
    assert (tmp_path / "runs" / "latest").resolve() == second


def test_no_permission_is_told() -> None:
    with pytest.raises(UsageError, match="cannot write /sys/kernel/run"):
        make(Path("/sys/kernel/run"))


def test_second_writer_is_refused(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    lock = run.lock()
    with pytest.raises(UsageError, match="another harness run"):
        RunDir(tmp_path).lock()
    lock.release()
    RunDir(tmp_path).lock().release()


def test_manifest_errors_name_the_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no run directory"):
        RunDir(tmp_path).manifest()
    (tmp_path / "manifest.json").write_text('{"schema":')
    with pytest.raises(UsageError, match="damaged"):
        RunDir(tmp_path).manifest()
    for version, reader in ((1, "harness 0.1"), (99, "a newer harness")):
        (tmp_path / "manifest.json").write_text(f'{{"schema": {version}}}')
        with pytest.raises(UsageError, match=f"directory of version {version}: {reader} reads it") as raised:
            RunDir(tmp_path).manifest()
        assert str(raised.value).splitlines()[1].strip() == f"use {reader}, or measure again"
    (tmp_path / "manifest.json").write_text('{"schema": "2"}')
    with pytest.raises(UsageError, match="is damaged: schema"):
        RunDir(tmp_path).manifest()


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("Pixel 3", "pixel-3"),
        ("<script>alert(1)</script>", "script-alert-1-script"),
        ("$(reboot)", "reboot"),
        ("../../etc", "etc"),
        ("", "device"),
        ("日本", "device"),
        ("a" * 99, "a" * 40),
    ],
)
def test_slugs_are_harmless(model: str, name: str) -> None:
    assert slug(model) == name


def test_alike_models_are_told_apart_without_showing_the_serial() -> None:
    names = device_names([("Pixel 3", "AAA"), ("Pixel 3", "BBB"), ("Pixel 8", "CCC")])
    assert names[2] == "pixel-8"
    assert len(set(names)) == 3
    assert not any("AAA" in name or "bbb" in name for name in names)


def test_a_device_name_never_leaves_the_folder(tmp_path: Path) -> None:
    with pytest.raises(InfrastructureError):
        RunDir(tmp_path).device("../x")


@pytest.mark.parametrize("theirs", [True, False])
def test_a_refused_run_leaves_no_folder_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, theirs: bool) -> None:
    monkeypatch.chdir(tmp_path)
    if theirs:
        (tmp_path / "runs").mkdir()
    with pytest.raises(UsageError), new_run_dir(None, "quick"):
        raise UsageError("refused")
    assert (tmp_path / "runs").exists() == theirs
    assert not theirs or not list((tmp_path / "runs").iterdir())
