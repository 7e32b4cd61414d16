"""Packets of the adb protocol (transport, shell v2): encode and decode, no I/O."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

SYNC, CNXN, AUTH, OPEN, OKAY, CLSE, WRTE = (
    int.from_bytes(name, "little") for name in (b"SYNC", b"CNXN", b"AUTH", b"OPEN", b"OKAY", b"CLSE", b"WRTE")
)
COMMANDS = (SYNC, CNXN, AUTH, OPEN, OKAY, CLSE, WRTE)
VERSION = 0x01000001  # from here on payload checksums are not looked at
MAX_PAYLOAD = 1 << 20
AUTH_TOKEN, AUTH_SIGNATURE, AUTH_PUBLIC_KEY = 1, 2, 3
FEATURES = ("shell_v2", "cmd", "stat_v2", "ls_v2", "fixed_push_mkdir", "sendrecv_v2")

HEADER = struct.Struct("<6I")
SHELL_HEADER = struct.Struct("<BI")
STDIN, STDOUT, STDERR, EXIT, CLOSE_STDIN, WINDOW_SIZE = range(6)


class ProtocolError(Exception):
    """The other side broke the protocol: the connection is given up."""


@dataclass(frozen=True)
class Packet:
    """One transport packet. ``arg0`` and ``arg1`` are mostly the sender's and the receiver's stream number."""

    command: int
    arg0: int
    arg1: int
    data: bytes = b""

    def encode(self) -> bytes:
        """The packet as it goes over the wire."""
        checksum = sum(self.data) & 0xFFFFFFFF if self.command in (CNXN, AUTH) else 0
        return (
            HEADER.pack(self.command, self.arg0, self.arg1, len(self.data), checksum, self.command ^ 0xFFFFFFFF)
            + self.data
        )


def decode_header(header: bytes) -> tuple[int, int, int, int]:
    """(command, arg0, arg1, payload length) of a 24-byte header. Raises ProtocolError."""
    command, arg0, arg1, length, _, magic = HEADER.unpack(header)
    if command ^ 0xFFFFFFFF != magic or command not in COMMANDS:
        raise ProtocolError(f"bad packet header {header.hex()}")
    if length > MAX_PAYLOAD:
        raise ProtocolError(f"payload of {length} bytes is over {MAX_PAYLOAD}")
    return command, arg0, arg1, length


def banner(properties: dict[str, str], features: tuple[str, ...]) -> bytes:
    """What a device says of itself in CNXN. Separators inside values are replaced, as the format cannot escape them."""
    fields = [
        f"{key}={''.join('_' if c in ';=,' or not c.isprintable() else c for c in value)};"
        for key, value in properties.items()
    ]
    return f"device::{''.join(fields)}features={','.join(features)}".encode()


def shell_packet(kind: int, data: bytes = b"") -> bytes:
    """One packet of the shell v2 protocol."""
    return SHELL_HEADER.pack(kind, len(data)) + data


class ShellReader:
    """Takes shell v2 packets out of a byte stream cut anywhere."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Yields (kind, payload) of each packet that is complete with ``data``. Raises ProtocolError."""
        self._buffer += data
        while len(self._buffer) >= SHELL_HEADER.size:
            kind, length = SHELL_HEADER.unpack_from(self._buffer)
            if length > MAX_PAYLOAD:
                raise ProtocolError(f"shell packet of {length} bytes is over {MAX_PAYLOAD}")
            end = SHELL_HEADER.size + length
            if len(self._buffer) < end:
                return
            payload = bytes(self._buffer[SHELL_HEADER.size : end])
            del self._buffer[:end]
            yield kind, payload
