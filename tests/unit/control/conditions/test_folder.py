"""The work folder: tried with a shell; cause and remedy of what keeps programs from running there."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from harness.control.conditions import folder
from harness.devices.local import LocalDevice
from harness.devices.scripts import new_token, script
from tests.unit.control.conditions.fakes import FOLDER

pytestmark = pytest.mark.unit

ROOT = "/data/local/tmp"
RO = "/dev/block/dm-5 /data f2fs ro,nosuid 0 0"
NOEXEC = "/dev/block/dm-5 /data f2fs rw,noexec 0 0"
DENIED = "sh: can't create /data/local/tmp/.harness-doctor-T: Permission denied"


def parsed(**parts: str) -> folder.Folder:
    every = {**FOLDER, **parts, "end": ""}
    text = "".join(f"\nT0KEN {name}\n{part}" for name, part in every.items())
    return folder.parse(text.replace("{token}", "T0KEN"), "T0KEN", ROOT)


@pytest.mark.parametrize(
    ("parts", "trouble", "remedy"),
    [
        ({}, "", ""),
        ({"folder": f"ls: {ROOT}: No such file or directory", "write": "sh: No such file"}, "is not there", "mkdir"),
        ({"folder": f"-rw-r--r-- 1 root root 0 2026-01-01 {ROOT}", "write": "Not a directory"}, "no folder", "remove"),
        ({"write": "sh: Read-only file system"}, "is read-only", "remount,rw"),
        ({"write": DENIED, "mounts": RO}, "is read-only", "remount,rw /data"),
        ({"write": "sh: No space left on device"}, "is full", "free some space"),
        ({"write": DENIED, "folder": f"drwxr-xr-x 2 root root 40 2026-01-01 {ROOT}"}, "belongs to root", "chown shell"),
        ({"write": DENIED}, "cannot be written: sh: can't create the file Permission denied", "chmod 771"),
        ({"run": "sh: Permission denied\n126", "mounts": NOEXEC}, "/data is mounted noexec", "remount,exec /data"),
        ({"run": "sh: Permission denied\n126"}, "lets no program run: sh: Permission denied 126", "policy"),
    ],
)
def test_cause_and_remedy(parts: dict[str, str], trouble: str, remedy: str) -> None:
    found = parsed(**parts)
    assert trouble in found.trouble
    assert remedy in found.remedy
    assert bool(found.trouble) == bool(trouble)


def test_the_script_itself_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "harness-dead-2").mkdir()
    found = folder.read(LocalDevice(tmp_path))
    assert (found.trouble, found.remedy) == ("", "")
    assert isinstance(found.free_bytes, int)
    assert [path.name for path in tmp_path.iterdir()] == ["harness-dead-2"]


def test_what_a_killed_doctor_left_goes_and_that_of_one_at_work_stays(tmp_path: Path) -> None:
    old, new = (tmp_path / f".harness-doctor-{name}" for name in ("old", "new"))
    for file in (old, new):
        file.touch()
    os.utime(old, (time.time() - 600,) * 2)
    assert folder.read(LocalDevice(tmp_path)).trouble == ""
    assert list(tmp_path.iterdir()) == [new]


@pytest.mark.parametrize(
    ("make", "trouble"), [(lambda path: None, "is not there"), (lambda path: path.write_text("x"), "is no folder")]
)
def test_the_script_says_what_is_wrong(tmp_path: Path, make: object, trouble: str) -> None:
    root, token = tmp_path / "work", new_token()
    assert callable(make)
    make(root)
    done = LocalDevice(tmp_path).run(script(folder._SCRIPT, token, str(root)))
    assert trouble in folder.parse(done.text, token, str(root)).trouble
