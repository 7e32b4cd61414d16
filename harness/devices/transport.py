"""The adb server's wire protocol to one phone: shell v2 and sync, with total deadlines.

adbutils opens and checks the connections. Its own shell and push are not used: their timeouts are per read, they fall
back to shell v1 in silence, and they lose the output and the reason when something goes wrong.
"""

from __future__ import annotations

import selectors
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property, partial
from pathlib import Path
from typing import IO, Any, TypeVar

from adbutils import AdbConnection, AdbError
from adbutils.errors import AdbConnectionError, AdbTimeout

from harness.devices import adbprogram
from harness.devices.base import has_address
from harness.devices.listing import Twin
from harness.errors import DeviceError, DeviceLost, InfrastructureError

T = TypeVar("T")

_STDIN, _STDOUT, _STDERR, _EXIT, _CLOSE_STDIN = range(5)
_CHUNK = 64 * 1024
_CONNECT_S = 3.0
# Refusals of an adb server that stay; any other is a connection that is gone: a phone that is offline, authorizing,
# connecting, unauthorized, recovering or not there, a service that it closed.
_STABLE = ("unknown host service", "more than one")
_TOO_LONG = "command too long for adb"
_NOTHING_CAME = "Unknown data: b''"  # what adbutils says of a server, or a tunnel to one, that hangs up
_UNAUTHORIZED = "unlock the phone and accept its question about USB debugging"


class Deadline:
    """A point in time after which an operation is given up."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def remaining(self) -> float:
        """Seconds left. Raises TimeoutError when there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


class Pace(Deadline):
    """A deadline for a stream that is given up earlier where nothing comes for ``longest`` seconds."""

    def __init__(self, whole: Deadline, longest: float) -> None:
        super().__init__(whole.remaining())
        self.seconds = min(self.seconds, longest)
        self._longest, self._asked = longest, time.monotonic()

    def remaining(self) -> float:
        """Seconds to wait for what comes next. Raises TimeoutError where it was waited for that long just now."""
        now = time.monotonic()
        if now - self._asked >= self._longest:
            raise TimeoutError
        self._asked = now
        return min(super().remaining(), self._longest)


class CommandTimedOut(Exception):
    """A command ran past its deadline; ``stdout`` is what it had printed, ``error`` what its caller made of it."""

    def __init__(self, stdout: bytes, error: DeviceError | None = None) -> None:
        super().__init__("timed out")
        self.stdout, self.error = stdout, error


class PushRefused(Exception):
    """The phone did not take a file; the message is its reason."""


class _Connection(AdbConnection):  # type: ignore[misc]  # adbutils is untyped here
    """A connection whose reads all together keep one deadline, and which never starts an adb server by itself."""

    def __init__(self, host: str, port: int, deadline: Deadline) -> None:
        self._address, self._deadline = (host, port), deadline
        super().__init__(host, port)

    def _safe_connect(self) -> socket.socket:
        try:
            return socket.create_connection(self._address, min(_CONNECT_S, self._deadline.remaining()))
        except OSError as error:
            raise AdbConnectionError(f"connect to adb server failed: {error}") from None

    def _read_fully(self, n: int) -> bytes:
        data = bytearray()
        while len(data) < n:
            self.conn.settimeout(self._deadline.remaining())
            piece = self.conn.recv(n - len(data))
            if not piece:
                break
            data += piece
        return bytes(data)


class Server:
    """An adb server at host:port."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port

    @cached_property
    def adb(self) -> str:
        """Its program and version, where this machine tells them."""
        return adbprogram.serving(self.host, self.port)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @contextmanager
    def request(self, command: str, deadline: Deadline) -> Iterator[Any]:
        """Opens a connection, sends one command and yields the connection after OKAY."""
        connection = _Connection(self.host, self.port, deadline)
        try:
            send(connection, command, deadline)
            yield connection
        finally:
            connection.conn.close()

    def query(self, command: str, seconds: float = 10.0) -> str:
        """A host command's answer as text. Raises what adbutils raises, OSError, EOFError."""
        deadline = Deadline(seconds)
        with self.request(command, deadline) as connection:
            return str(connection.read_string_block())


def send(connection: Any, command: str, deadline: Deadline) -> None:
    """Sends one length-prefixed command and waits for OKAY."""
    data = command.encode("utf-8", "surrogateescape")
    if len(data) > 0xFFFF:
        raise ValueError(_TOO_LONG)
    connection.conn.settimeout(deadline.remaining())
    connection.conn.sendall(b"%04x" % len(data) + data)
    connection.check_okay()


class Transport:
    """One phone of an adb server. Every method but ``reconnect`` raises DeviceLost or DeviceError."""

    def __init__(self, server: Server, serial: str, twin: Twin | None = None) -> None:
        """``twin``: where the server lists several phones by one serial."""
        self.server, self.serial = server, serial
        self._twin = twin

    def _request(self, host_service: str = "") -> str:
        """How to ask the server about the phone, or for a connection to it."""
        if self._twin is None:
            return f"host-serial:{self.serial}:{host_service}" if host_service else f"host:transport:{self.serial}"
        number = self._twin.present_id(self.server)
        if number is None:
            raise DeviceLost(f"{self.serial}: not attached")
        return f"host-transport-id:{number}:{host_service}" if host_service else f"host:transport-id:{number}"

    def features(self) -> frozenset[str]:
        """Features of the phone's adb daemon, "shell_v2" among them."""
        with self._failures("asking for its features"):
            return frozenset(self.server.query(self._request("features")).split(","))

    def shell(
        self, command: str, deadline: Deadline, stdin: bytes = b"", late: Callable[[bytes], DeviceError] | None = None
    ) -> tuple[int, bytes, bytes]:
        """Runs a command line in the phone's shell: exit code, stdout, stderr. Raises CommandTimedOut in addition.

        ``late`` is asked for its error while the stream is open: adbd hangs up on a program whose stream is closed, and
        one that hung could no longer be told from one that had ended.
        """
        with self._failures("running a command"), self._service(f"shell,v2,raw:{command}", deadline) as connection:
            try:
                return _Shell(connection.conn, stdin).follow(deadline)
            except CommandTimedOut as timed_out:
                raise CommandTimedOut(timed_out.stdout, late and late(timed_out.stdout)) from None

    def send_file(self, source: IO[bytes], target: str, mode: int, deadline: Deadline) -> None:
        """Writes a file on the phone. Raises PushRefused in addition, InfrastructureError for this host's file."""
        with self._failures("pushing a file"), self._service("sync:", deadline) as connection:
            sock = connection.conn
            name = f"{target},{0o100000 | mode}".encode()
            try:
                sock.sendall(b"SEND" + struct.pack("<I", len(name)) + name)
                while chunk := _of_this_host(partial(source.read, _CHUNK)):
                    sock.settimeout(deadline.remaining())
                    sock.sendall(b"DATA" + struct.pack("<I", len(chunk)) + chunk)
                sock.sendall(b"DONE" + struct.pack("<I", int(time.time())))
            except (BrokenPipeError, ConnectionResetError):
                pass  # the phone may have refused in the middle: its answer says why
            status, length = struct.unpack("<4sI", connection.read_exact(8))
            if status == b"FAIL":
                raise PushRefused(connection.read_exact(min(length, 4096)).decode("utf-8", "replace"))
            if status != b"OKAY":
                raise EOFError("no answer to a push")

    def receive_file(self, source: str, target: IO[bytes], deadline: Deadline) -> int:
        """Copies a file of the phone into ``target``; returns its bytes. Raises DeviceError with the phone's reason.

        InfrastructureError for this host's file: waiting for the phone would mend nothing.
        """
        name = source.encode()
        total = 0
        with self._failures(f"pulling {source}"), self._service("sync:", deadline) as connection:
            connection.conn.sendall(b"RECV" + struct.pack("<I", len(name)) + name)
            while True:
                status, length = struct.unpack("<4sI", connection.read_exact(8))
                if status == b"DONE":
                    return total
                data = connection.read_exact(length if status == b"DATA" else min(length, 4096))
                if status == b"FAIL":
                    raise DeviceError(f"{self.serial}: {source}: {data.decode('utf-8', 'replace')}")
                if status != b"DATA":
                    raise EOFError("unknown answer to a pull")
                _of_this_host(partial(target.write, data))
                total += length

    def reconnect(self, only_if_forgotten: bool = False) -> None:
        """Has the server open its connection to this phone anew, and connect to its address where it forgot it."""
        answer = "not found"
        with suppress(DeviceError, AdbError, EOFError, OSError, ValueError):
            answer = self.server.query(self._request("get-state" if only_if_forgotten else "reconnect"))
        if "not found" in answer and has_address(self.serial) and self._twin is None:
            with suppress(AdbError, EOFError, OSError, ValueError):
                self.server.query(f"host:connect:{self.serial}")

    @contextmanager
    def _service(self, service: str, deadline: Deadline) -> Iterator[Any]:
        with self.server.request(self._request(), deadline) as connection:
            send(connection, service, deadline)
            yield connection

    @contextmanager
    def _failures(self, doing: str) -> Iterator[None]:
        """Turns what adbutils and sockets raise into the errors of the Device protocol."""
        try:
            yield
        except (DeviceError, CommandTimedOut, PushRefused):
            raise
        except (AdbTimeout, TimeoutError):
            raise DeviceLost(f"{self.serial}: no answer within its time while {doing}: the connection hangs") from None
        except AdbConnectionError:
            raise DeviceLost(f"{self.serial}: the adb server at {self.server} is gone while {doing}") from None
        except (AdbError, EOFError, OSError, struct.error, ValueError) as error:
            reason = str(error).strip().partition("\n")[0]
            reason = "" if reason == _NOTHING_CAME else reason
            if isinstance(error, ValueError) and reason == _TOO_LONG:
                raise DeviceError(f"{self.serial}: {doing}: {reason}") from None
            if isinstance(error, AdbError) and any(word in reason.lower() for word in _STABLE):
                raise DeviceError(f"{self.serial}: {doing}: {reason}") from None
            remedy = _UNAUTHORIZED if "authoriz" in reason else ""
            raise DeviceLost(f"{self.serial}: connection lost while {doing} ({reason or 'closed'})", remedy) from None


def _of_this_host(work: Callable[[], T]) -> T:
    try:
        return work()
    except OSError as error:
        what = f"a file of this host, while it is copied from or to a phone: {error.strerror or error}"
        raise InfrastructureError(what, "make room, or choose another folder") from None


class _Shell:
    """One running shell v2 command: feeds stdin and collects both outputs at the same time."""

    def __init__(self, sock: socket.socket, stdin: bytes) -> None:
        self._sock = sock
        packets = [
            struct.pack("<BI", _STDIN, len(stdin[at : at + _CHUNK])) + stdin[at : at + _CHUNK]
            for at in range(0, len(stdin), _CHUNK)
        ]
        self._outgoing = (
            memoryview(b"".join(packets) + struct.pack("<BI", _CLOSE_STDIN, 0)) if stdin else memoryview(b"")
        )
        self._buffer = bytearray()
        self._outputs: dict[int, bytearray] = {_STDOUT: bytearray(), _STDERR: bytearray()}

    def follow(self, deadline: Deadline) -> tuple[int, bytes, bytes]:
        self._sock.setblocking(False)
        with selectors.DefaultSelector() as selector:
            selector.register(self._sock, selectors.EVENT_READ | (selectors.EVENT_WRITE if self._outgoing else 0))
            while True:
                try:
                    ready = selector.select(deadline.remaining())
                except TimeoutError:
                    raise CommandTimedOut(bytes(self._outputs[_STDOUT])) from None
                for _, events in ready:
                    if events & selectors.EVENT_WRITE and not self._feed():
                        selector.modify(self._sock, selectors.EVENT_READ)
                    if events & selectors.EVENT_READ and (code := self._collect()) is not None:
                        return code, bytes(self._outputs[_STDOUT]), bytes(self._outputs[_STDERR])

    def _feed(self) -> bool:
        """Sends what the socket takes; False when all is sent, or nobody reads it any more."""
        try:
            self._outgoing = self._outgoing[self._sock.send(self._outgoing) :]
        except BlockingIOError:
            return True
        except OSError:
            return False
        return bool(self._outgoing)

    def _collect(self) -> int | None:
        """Takes in what has come; the exit code once it is there."""
        try:
            data = self._sock.recv(_CHUNK)
        except BlockingIOError:
            return None
        if not data:
            raise EOFError("the phone closed the connection before the command's end")
        self._buffer += data
        while len(self._buffer) >= 5:
            kind, length = struct.unpack_from("<BI", self._buffer)
            if len(self._buffer) < 5 + length:
                break
            body = bytes(self._buffer[5 : 5 + length])
            del self._buffer[: 5 + length]
            if kind in self._outputs:
                self._outputs[kind] += body
            elif kind == _EXIT and body:
                return body[0]
        return None


def copy_whole(transport: Transport, source: str, target: Path, deadline: Deadline) -> int:
    """Pulls into a file of this host; returns its bytes."""
    with target.open("wb") as stream:
        return transport.receive_file(source, stream, deadline)
