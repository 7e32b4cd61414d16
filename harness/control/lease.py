"""One run at a time per device on this host."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256

from filelock import FileLock, Timeout

from harness.errors import DeviceError
from harness.paths import state_folder


@contextmanager
def leased(serial: str) -> Iterator[None]:
    """Holds the device for this process; the system gives it back when the process dies.

    Raises DeviceError where another run holds it.
    """
    folder = state_folder("leases")
    lock = FileLock(folder / f"{sha256(serial.encode()).hexdigest()[:16]}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise DeviceError("another harness run is using the device", "wait until it ends") from error
    try:
        yield
    finally:
        lock.release()
