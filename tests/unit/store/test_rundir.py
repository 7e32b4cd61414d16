"""Run directories: made once, locked, never over somebody's files."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import InfrastructureError, UsageError
from harness.store.rundir import RunDir, device_names, new_run_dir, point_latest, slug

pytestmark = pytest.mark.unit


def test_out_that_is_not_empty_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="not empty"):
        new_run_dir(tmp_path, "quick")


def test_out_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="file"):
        new_run_dir(tmp_path / "file", "quick")


def test_empty_out_is_taken(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    assert new_run_dir(tmp_path / "new", "quick").path == tmp_path / "new"


def test_two_runs_of_one_second_get_two_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    first, second = new_run_dir(None, "quick"), new_run_dir(None, "quick")
    assert first.path != second.path
    point_latest(second)
    assert (tmp_path / "runs" / "latest").resolve() == second.path


def test_no_permission_is_told() -> None:
    with pytest.raises(UsageError, match="cannot write /sys/kernel/run"):
        new_run_dir(Path("/sys/kernel/run"), "quick")


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
    (tmp_path / "manifest.json").write_text('{"schema": 99}')
    with pytest.raises(UsageError, match="schema 1"):
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
