"""A kill between two folders loses neither, and who reads or goes on with the run puts the old one back."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.bundle.opening import opened
from harness.store.replacing import recover, recover_unless_written, replace_folder
from harness.store.rundir import RunDir

pytestmark = pytest.mark.unit

NAME = "pixel-3"


@pytest.fixture
def killed(tmp_path: Path) -> RunDir:
    """A front end was killed between the two folders of a device."""
    run = RunDir(tmp_path / "run")
    before = run.path / ".incoming" / f"{NAME}.before"
    before.mkdir(parents=True)
    (before / "records.jsonl").write_bytes(b"{}\n")
    (run.path / "devices").mkdir()
    return run


def is_back(run: RunDir) -> bool:
    back = run.device(NAME).records.exists()
    assert (run.path / ".incoming").exists() is not back
    return back


def test_the_old_folder_is_put_back(killed: RunDir) -> None:
    recover(killed)
    assert is_back(killed)


def test_a_reader_puts_it_back(killed: RunDir) -> None:
    with opened(killed.path) as run:
        assert is_back(RunDir(run.path))


def test_a_reader_leaves_alone_what_a_run_is_replacing(killed: RunDir) -> None:
    with killed.lock():
        recover_unless_written(killed)
        assert not is_back(killed)


def test_new_files_and_kept_ones_are_the_folder(tmp_path: Path) -> None:
    run = RunDir(tmp_path / "run")
    new, kept = tmp_path / "new", tmp_path / "kept"
    for file in (new, kept):
        file.write_text(file.name)
    for _ in range(2):
        new.write_text("new")
        replace_folder(run, NAME, {"plans/0.1.plan": new}, {"device.json": kept})
    files = {path.name: path.read_text() for path in run.device(NAME).path.rglob("*.*")}
    assert files == {"0.1.plan": "new", "device.json": "kept"}
    assert kept.exists()
