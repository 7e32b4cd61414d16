"""One stream of an adb connection: a byte pipe both ways with one WRTE in flight each way."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable

from harness.lab import protocol
from harness.lab.protocol import Packet


class StreamClosed(Exception):
    """The other side closed the stream, or the connection broke."""


class Stream:
    """Bytes to and from the host. ``closed_event`` is an eventfd, readable once the host has closed."""

    def __init__(self, send: Callable[[Packet], None], max_payload: int, local: int, remote: int) -> None:
        self._send = send
        self._max_payload = max_payload
        self.local = local
        self.remote = remote
        self._changed = threading.Condition()
        self._incoming: deque[bytes] = deque()
        self._may_write = True
        self._closed = False
        self._ended = False
        self.closed_event = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)

    @property
    def is_closed(self) -> bool:
        """Whether the host has closed it, or the connection is gone."""
        return self._closed

    def read(self) -> bytes:
        """The next bytes from the host; b"" once it closed. Taking them lets the host send on."""
        with self._changed:
            while not self._incoming and not self._closed:
                self._changed.wait()
            if not self._incoming:
                return b""
            data = self._incoming.popleft()
        self._send(Packet(protocol.OKAY, self.local, self.remote))
        return data

    def write(self, data: bytes) -> None:
        """Sends bytes; returns when the last packet is on its way. Raises StreamClosed."""
        view = memoryview(data)
        while view:
            with self._changed:
                while not self._may_write and not self._closed:
                    self._changed.wait()
                if self._closed:
                    raise StreamClosed
                self._may_write = False
            part, view = view[: self._max_payload], view[self._max_payload :]
            self._send(Packet(protocol.WRTE, self.local, self.remote, bytes(part)))

    def close(self) -> None:
        """Ends the stream from this side once what was written has been taken."""
        with self._changed:
            while not self._may_write and not self._closed:
                self._changed.wait()
            tell, self._closed = not self._closed, True
            self._changed.notify_all()
            if not self._ended:
                self._ended = True
                os.close(self.closed_event)
        if tell:
            self._send(Packet(protocol.CLSE, self.local, self.remote))

    def receive(self, data: bytes) -> None:
        """A WRTE came."""
        with self._changed:
            self._incoming.append(data)
            self._changed.notify_all()

    def acknowledge(self) -> None:
        """An OKAY came."""
        with self._changed:
            self._may_write = True
            self._changed.notify_all()

    def closed_by_host(self) -> None:
        """A CLSE came, or the connection ended."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            if not self._ended:
                os.eventfd_write(self.closed_event, 1)
