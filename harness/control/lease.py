"""One run at a time per device on this host, and never `local` beside virtual phones: they run on its CPUs."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256

from filelock import FileLock, ReadWriteLock, Timeout

from harness.devices.base import Identity
from harness.errors import DeviceError
from harness.paths import state_folder

_AGAIN_S = 0.5
_FOLDER = "leases"


@contextmanager
def leased(serial: str) -> Iterator[None]:
    """Holds the device for this process; the system gives it back when the process dies.

    Raises DeviceError where another run holds it.
    """
    folder = state_folder(_FOLDER)
    lock = FileLock(folder / f"{sha256(serial.encode()).hexdigest()[:16]}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise DeviceError("another harness run is using the device", "wait until it ends") from error
    except OSError as error:
        raise _unwritable(error) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def host_cpus(identity: Identity, stop: threading.Event, say: Callable[[str], None]) -> Iterator[None]:
    """Holds this host's CPUs, over all processes of this user: alone for `local`, together for virtual phones.

    Phones with CPUs of their own need none of it. Waits, and tells ``say`` so once; raises DeviceError where ``stop``
    is set meanwhile. The system gives the CPUs back when the process dies.
    """
    alone = identity.capabilities.is_measured_alone
    if not alone and not identity.emulated:
        yield
        return
    others = (
        "virtual phones are in use by a run, and share this machine's CPUs"
        if alone
        else "this machine (`local`) is in use by a run, and shares its CPUs with virtual phones"
    )
    lock = _host_lock()
    try:
        told = False
        while not _taken(lock, alone=alone):
            if not told:
                say(f"waiting: {others}")
                told = True
            if stop.wait(_AGAIN_S):
                raise DeviceError(f"not measured, because the run was stopped while it waited: {others}")
        try:
            yield
        finally:
            lock.release()
    finally:
        lock.close()


def _host_lock() -> ReadWriteLock:
    file = state_folder(_FOLDER) / "host-cpus.db"
    try:
        return ReadWriteLock(file, is_singleton=False)  # each thread of a run has one of its own
    except (OSError, ValueError) as error:
        raise _unwritable(error) from error


def _taken(lock: ReadWriteLock, *, alone: bool) -> bool:
    try:
        (lock.acquire_write if alone else lock.acquire_read)(blocking=False)
    except Timeout:
        return False
    except (OSError, sqlite3.Error) as error:
        raise _unwritable(error) from error
    return True


def _unwritable(error: Exception) -> DeviceError:
    reason = error.strerror if isinstance(error, OSError) else None
    return DeviceError(
        f"the state folder {state_folder(_FOLDER)} cannot be used: {reason or error}", "mend it, or set XDG_STATE_HOME"
    )
