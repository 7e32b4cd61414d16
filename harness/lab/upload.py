"""A file or link that the host pushes: made with its parents, filled, and finished or given up."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path


class Upload:
    """The receiving half of SEND. Methods raise OSError; after ``abandon`` nothing of it is left."""

    def __init__(self, path: Path, mode: int, *, dry: bool) -> None:
        self._path = path
        self._dry = dry
        self._sink = -1
        self._link: bytearray | None = bytearray() if stat.S_ISLNK(mode) else None
        permissions = mode & 0o777
        permissions |= (permissions >> 3) & 0o070  # as adbd: the group gets what the owner has,
        self._mode = permissions | (permissions >> 3) & 0o007  # and others what the group has

    def open(self) -> None:
        """Makes the parents and the file."""
        if self._dry or self._link is not None:
            return
        self._path.parent.mkdir(mode=0o775, parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            if not stat.S_ISREG(self._path.lstat().st_mode):
                self._path.unlink()
        self._sink = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, self._mode)
        os.fchmod(self._sink, self._mode)

    def write(self, data: bytes) -> None:
        """Appends."""
        if self._link is not None:
            self._link += data
        elif self._sink >= 0:
            view = memoryview(data)
            while view:
                view = view[os.write(self._sink, view) :]

    def finish(self, modified: int) -> None:
        """All is there; ``modified`` is its time in seconds."""
        self.close()
        if self._dry:
            return
        if self._link is None:
            os.utime(self._path, (modified, modified))
            return
        self._path.unlink(missing_ok=True)
        self._path.symlink_to(os.fsdecode(bytes(self._link).rstrip(b"\0")))

    def abandon(self) -> None:
        """Removes what was written."""
        if self._sink >= 0:
            with contextlib.suppress(OSError):
                self._path.unlink()
        self.close()

    def close(self) -> None:
        """Lets go of the file, leaving what is there: so it is when the connection breaks."""
        if self._sink >= 0:
            os.close(self._sink)
            self._sink = -1
