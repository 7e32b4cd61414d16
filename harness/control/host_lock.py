"""Locks of this host, over all processes and users: files in a folder that all of them can write.

The system gives a lock back when its holder dies, so what stands in the file only names the holder. The folder does not
depend on XDG_STATE_HOME: two users, or two shells of one, must meet there. Anybody may have put anything into it: files
are opened without following links, and only plain ones with one name are written.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from harness.control.holder import LONGEST, Holder

Say = Callable[[str], None]

VARIABLE = "HARNESS_LOCK_DIR"
_NAME = "harness-locks"
_PLACES = ("/run/lock", "/var/lock", "/tmp")  # noqa: S108  the first that all users can write
_FOR_ALL = 0o1777  # everybody makes files, nobody removes another one's


class Unlockable(Exception):
    """There is no lock to be had here; the message says why."""


class HostLock:
    """A lock of this host by its name. Each object is a holder of its own, also within one process."""

    def __init__(self, name: str, say: Say) -> None:
        """``say`` is told of a damaged file. Raises Unlockable."""
        self._folder = folder()
        self._file = f"{name}.lock"
        self._say = say
        self._descriptor = _open(self._folder, self._file, say)

    def acquire(self, me: Holder, *, shared: bool = False) -> bool:
        """Takes the lock if it is free; whether it was. Raises Unlockable where the system has no locks there."""
        try:
            fcntl.flock(self._descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            raise Unlockable(f"{self._folder / self._file}: {error.strerror or error}") from error
        if not shared:
            self._keep_damaged()
            self._write(me.line.encode())
        return True

    def holder(self) -> Holder | None:
        """Who has it, as far as that is told."""
        holder = Holder.parse(self._read().decode("ascii", "replace"))
        return None if holder is None or holder.is_dead else holder

    def release(self) -> None:
        """Gives it back."""
        with suppress(OSError):
            if self.holder() is not None:
                self._write(b"")
        with suppress(OSError):
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Closes the file; a lock that is still held ends."""
        os.close(self._descriptor)

    def _read(self) -> bytes:
        with suppress(OSError):
            return os.pread(self._descriptor, LONGEST, 0)
        return b""

    def _write(self, data: bytes) -> None:
        """That a holder cannot be named must not keep it from measuring."""
        with suppress(OSError):
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, data, 0)

    def _keep_damaged(self) -> None:
        """What no harness wrote is copied aside before it is written over."""
        data = self._read()
        if not data or Holder.parse(data.decode("ascii", "replace")) is not None:
            return
        aside = self._folder / f"{self._file}.damaged.{os.getpid()}"
        with suppress(OSError):
            descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(data)
        self._say(f"the lock file {self._folder / self._file} is damaged: taken as free, kept as {aside.name}")


def folder() -> Path:
    """The folder of the locks, made where it is absent. Raises Unlockable where none can be used."""
    named = os.environ.get(VARIABLE, "")
    if named:
        path = Path(named)
        if not path.is_absolute():
            raise Unlockable(f"{VARIABLE}={named} is no absolute path")
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
    else:
        place = next((place for place in _PLACES if _is_for_all(place)), None)
        if place is None:
            raise Unlockable(f"none of {', '.join(_PLACES)} is a folder that all users can write")
        path = Path(place) / _NAME
    try:
        with suppress(FileExistsError):
            path.mkdir()
            path.chmod(_FOR_ALL)
        found = path.lstat()
    except OSError as error:
        raise Unlockable(f"{path}: {error.strerror or error}") from error
    if not stat.S_ISDIR(found.st_mode):
        raise Unlockable(f"{path} is no folder")
    if not os.access(path, os.W_OK | os.X_OK):
        raise Unlockable(f"{path} cannot be written")
    return path


def _is_for_all(place: str) -> bool:
    try:
        mode = Path(place).stat().st_mode
    except OSError:
        return False
    return stat.S_ISDIR(mode) and mode & _FOR_ALL == _FOR_ALL and os.access(place, os.W_OK | os.X_OK)


def holders() -> list[tuple[str, Holder]]:
    """The living holders of this host's locks by the locks' names. Raises Unlockable."""
    found = []
    for file in sorted(folder().glob("*.lock")):
        with _plain(file) as descriptor:
            holder = (
                None
                if descriptor is None
                else Holder.parse(os.pread(descriptor, LONGEST, 0).decode("ascii", "replace"))
            )
            if holder is not None and not holder.is_dead:
                found.append((file.name.removesuffix(".lock"), holder))
    return found


@contextmanager
def _plain(file: Path) -> Iterator[int | None]:
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        yield None
        return
    try:
        yield descriptor if stat.S_ISREG(os.fstat(descriptor).st_mode) else None
    finally:
        os.close(descriptor)


def _open(place: Path, name: str, say: Say) -> int:
    """The open file, made where it is absent. What is no plain file there is put aside."""
    file = place / name
    for _ in range(3):
        try:
            # An existing file is opened without O_CREAT: where folders are sticky, Linux may refuse that with it.
            descriptor = os.open(file, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            made = _make(file)
            if made is None:
                continue
            return made
        except OSError as error:
            if error.errno not in (errno.ELOOP, errno.EISDIR, errno.ENXIO):
                raise Unlockable(f"{file}: {error.strerror or error}") from error
            descriptor = -1
        if descriptor >= 0:
            found = os.fstat(descriptor)
            if stat.S_ISREG(found.st_mode) and found.st_nlink == 1:
                return descriptor
            os.close(descriptor)
        _put_aside(file, say)
    raise Unlockable(f"{file}: it changes while it is opened")


def _make(file: Path) -> int | None:
    """A new file that all users can open; None where somebody made it meanwhile."""
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666)
    except FileExistsError:
        return None
    except OSError as error:
        raise Unlockable(f"{file}: {error.strerror or error}") from error
    with suppress(OSError):
        os.fchmod(descriptor, 0o666)  # whatever the umask: another user has to open it
    return descriptor


def _put_aside(file: Path, say: Say) -> None:
    aside = file.with_name(f"{file.name}.damaged.{os.getpid()}")
    try:
        file.rename(aside)
    except FileNotFoundError:
        return
    except OSError as error:
        raise Unlockable(f"{file} is no plain file, and cannot be put aside: {error.strerror or error}") from error
    say(f"{file} is no plain file: kept as {aside.name}")
