"""Faults of files and folders: /data full, the work folder, files that may not be read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from harness.lab import namespaces
from harness.lab.faults.kind import End, Kind, Site, Value, choice
from harness.lab.namespaces import MS_NODEV, MS_NOEXEC, MS_NOSUID, bind, unmount
from harness.lab.root import resize_disk

_WORK = "/data/local/tmp"
_AWAY = "tmp.away"
_PAGE = 4096


def _size(text: str) -> int:
    """0 stands for: what is used now."""
    if text == "full":
        return 0
    if not (text.isascii() and text.isdigit() and 4096 <= int(text) <= 1 << 40):
        raise ValueError("full, or a size in bytes from 4096 on")
    return int(text)


def _disk(site: Site, size: int) -> End:
    if not size:
        now = os.statvfs(site.root / "data")
        size = max((now.f_blocks - now.f_bfree) * now.f_frsize, _PAGE)  # 0 would mean: as large as it likes
    resize_disk(site.root, size)
    return lambda: resize_disk(site.root, site.spec["disk_bytes"])


def _work_folder(site: Site, mode: str) -> End:
    if mode in ("readonly", "noexec"):
        return _remounted(site, mode == "readonly")
    work = site.root / _WORK.lstrip("/")
    if mode == "absent":
        away = work.with_name(_AWAY)
        work.rename(away)

        def back() -> None:
            away.rename(work)

        return back
    known = work.stat()
    os.chown(work, site.spec["id_base"], site.spec["id_base"])
    work.chmod(0o700 if mode == "root" else 0o755)

    def end() -> None:
        os.chown(work, known.st_uid, known.st_gid)
        work.chmod(known.st_mode & 0o7777)

    return end


def _remounted(site: Site, read_only: bool) -> End:
    """Bound onto itself: what has a file open goes on, as no mount can be made read-only under a writer."""
    flags = MS_NOSUID | MS_NODEV | (0 if read_only else MS_NOEXEC)
    boot = site.init
    namespaces.in_mounts_of(boot, lambda: bind(_WORK, _WORK, read_only=read_only, flags=flags))

    def end() -> None:
        if site.init == boot:  # a reboot ends it: the mount went with its namespace
            namespaces.in_mounts_of(boot, lambda: unmount(_WORK))

    return end


def _path(text: str) -> str:
    if not text.startswith(("/sys/", "/data/")) or ".." in text.split("/") or "\0" in text:
        raise ValueError("a path below /sys or /data")
    return text


def _deny(site: Site, path: str) -> End:
    """The real user of /data is the phone's: a link of its own must not lead to a file of the host."""
    base = site.folder if path.startswith("/sys/") else site.root
    target = (base / path.lstrip("/")).resolve()
    if not target.is_relative_to(base.resolve()) or not target.exists():
        raise ValueError(f"the phone has no {path}")
    return denied(target)


def denied(target: Path) -> End:
    """Nobody but the phone's root may read, or enter, until the end."""
    known = target.stat()
    target.chmod(0)
    owner = known.st_uid
    if owner:
        os.chown(target, 0, 0)

    def end() -> None:
        if target.exists():
            os.chown(target, owner, known.st_gid)
            target.chmod(known.st_mode & 0o7777)

    return end


KINDS: dict[str, Kind[Any]] = {
    "disk": Kind(
        "/data has this size: full is what is used now, so that nothing more can be written.",
        Value("full|BYTES", _size, "full"),
        _disk,
    ),
    "work-folder": Kind(
        "/data/local/tmp may not be written to, is absent, read-only, lets no program run, or is root's alone.",
        choice("unwritable", "absent", "readonly", "noexec", "root"),
        _work_folder,
    ),
    "deny": Kind(
        "A file or folder below /sys or /data may not be read (EACCES).", Value("PATH", _path), _deny, many=True
    ),
}
