"""Ports of this host on which phones answer."""

from __future__ import annotations

import socket
from pathlib import Path

FIRST_PORT, LAST_PORT = 6001, 6999
HOST = "127.0.0.1"


def reserve(port: int) -> tuple[socket.socket, socket.socket] | None:
    """A socket that listens on the port, and one whose name reserves it among phones; None where it is taken.

    Whoever has both keeps others from the port, also while the phone is away and does not listen.
    """
    reservation = socket.socket(socket.AF_UNIX)
    try:
        reservation.bind(f"\0harness-lab-{port}")
        return listen(port), reservation
    except OSError:
        reservation.close()
        return None


def listen(port: int) -> socket.socket:
    """A socket that listens on the port. Raises OSError."""
    listener = socket.socket(socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(1)  # SO_REUSEADDR lets two sockets bind; only one may listen
    except OSError:
        listener.close()
        raise
    return listener


def reserve_free(lab: Path, port: int = 0) -> tuple[socket.socket, socket.socket]:
    """The same for the port, or with 0 for the first free one. Raises OSError."""
    for candidate in (port,) if port else range(FIRST_PORT, LAST_PORT + 1):
        if not (lab / f"{HOST}:{candidate}").exists() and (found := reserve(candidate)):
            return found
    raise OSError(0, f"port {port} is taken" if port else f"no free port from {FIRST_PORT} to {LAST_PORT}")
