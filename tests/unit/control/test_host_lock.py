"""Locks in a folder that anybody may write: nothing that lies there is followed, trusted or fatal."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from harness.control import host_lock
from harness.control.holder import Holder
from harness.control.host_lock import HostLock, Unlockable

pytestmark = pytest.mark.unit


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(host_lock.VARIABLE, str(tmp_path / "locks"))
    return host_lock.folder()


def test_all_users_can_use_folder_and_files(place: Path) -> None:
    before = os.umask(0o077)
    try:
        lock = HostLock("one", pytest.fail)
    finally:
        os.umask(before)
    assert lock.acquire(Holder.me())
    assert place.stat().st_mode & 0o7777 == 0o1777
    assert (place / "one.lock").stat().st_mode & 0o777 == 0o666
    lock.close()


def test_it_does_not_depend_on_the_state_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(host_lock.VARIABLE)
    monkeypatch.setattr(host_lock, "_PLACES", ("/nowhere", str(tmp_path / "not for all"), str(tmp_path / "shared")))
    (tmp_path / "not for all").mkdir(mode=0o755)
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o1777)
    first = host_lock.folder()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "other"))
    assert host_lock.folder() == first == tmp_path / "shared" / "harness-locks"
    monkeypatch.setattr(host_lock, "_PLACES", ("/nowhere",))
    with pytest.raises(Unlockable, match="all users can write"):
        host_lock.folder()


def test_the_holder_is_named_while_it_holds(place: Path) -> None:
    me = Holder.me("sweep")
    first, second = HostLock("one", pytest.fail), HostLock("one", pytest.fail)
    assert first.acquire(me)
    assert not second.acquire(Holder.me())
    assert second.holder() == me
    assert host_lock.holders() == [("one", me)]
    first.release()
    assert second.holder() is None and host_lock.holders() == []
    assert second.acquire(Holder.me())
    for lock in (first, second):
        lock.close()


def test_the_name_of_a_dead_holder_is_not_told(place: Path) -> None:
    (place / "one.lock").write_text(replace(Holder.me(), start=1).line)
    assert host_lock.holders() == []
    lock = HostLock("one", pytest.fail)
    assert lock.holder() is None
    assert lock.acquire(Holder.me())
    lock.close()


def test_a_damaged_file_is_said_and_kept_aside(place: Path) -> None:
    (place / "one.lock").write_bytes(b"\0\xff not ours")
    said: list[str] = []
    lock = HostLock("one", said.append)
    assert lock.acquire(Holder.me())
    assert len(said) == 1 and "one.lock is damaged" in said[0]
    (aside,) = place.glob("one.lock.damaged.*")
    assert aside.read_bytes() == b"\0\xff not ours"
    lock.close()


@pytest.mark.parametrize("kind", ["link", "dangling link", "folder", "fifo", "hard link"])
def test_what_is_no_plain_file_of_one_name_is_put_aside(place: Path, tmp_path: Path, kind: str) -> None:
    victim, file = tmp_path / "victim", place / "one.lock"
    victim.write_text("precious")
    if kind == "link":
        file.symlink_to(victim)
    elif kind == "dangling link":
        file.symlink_to(tmp_path / "new")
    elif kind == "folder":
        file.mkdir()
    elif kind == "fifo":
        os.mkfifo(file)
    else:
        file.hardlink_to(victim)
    said: list[str] = []
    lock = HostLock("one", said.append)
    assert lock.acquire(Holder.me())
    assert len(said) == 1 and "kept as one.lock.damaged" in said[0]
    assert victim.read_text() == "precious" and not (tmp_path / "new").exists()
    assert stat.S_ISREG(file.lstat().st_mode)
    lock.close()


def test_a_folder_that_is_a_link_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "locks").symlink_to(tmp_path / "elsewhere")
    monkeypatch.setenv(host_lock.VARIABLE, str(tmp_path / "locks"))
    with pytest.raises(Unlockable, match="is no folder"):
        HostLock("one", pytest.fail)
    monkeypatch.setenv(host_lock.VARIABLE, "relative")
    with pytest.raises(Unlockable, match="absolute"):
        HostLock("one", pytest.fail)
