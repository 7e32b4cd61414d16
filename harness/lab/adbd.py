"""The phone's end of adb: connections, streams, services. Runs as user shell inside the phone."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from harness.lab import protocol, shell, sync
from harness.lab.faults.traffic import Traffic
from harness.lab.protocol import Packet, ProtocolError
from harness.lab.stream import Stream, StreamClosed

POWER = Path("/dev/__services__/powerctl")


class Connection:
    """One connection of an adb server."""

    def __init__(self, peer: socket.socket, phone: Adbd, *, shell_v2: bool) -> None:
        self._peer = peer
        self._phone = phone
        self._greeted = ""  # what the adb server was last told it is to us
        self._is_known = False  # the adb server has said who it is
        self._features = tuple(f for f in protocol.FEATURES if shell_v2 or f != "shell_v2")
        self._send_lock = threading.Lock()
        self._streams: dict[int, Stream] = {}
        self._streams_lock = threading.Lock()
        self._next = 1
        self.max_payload = 4096

    def send(self, packet: Packet) -> None:
        """Sends a packet whole; a broken connection is noticed by the reader."""
        traffic = self._phone.traffic
        traffic.hold()
        data = packet.encode()
        may, due = traffic.passing(len(data))
        try:
            with self._send_lock:
                traffic.pace(may)
                self._peer.sendall(data[:may])
        except OSError:
            return
        if may < len(data):
            self.drop()
        for number in due:
            traffic.fire(number)

    def drop(self) -> None:
        """Breaks the connection without a word."""
        try:
            self._peer.shutdown(socket.SHUT_RDWR)
        except OSError:
            return

    def serve(self) -> None:
        """Answers packets until the connection ends."""
        try:
            while True:
                command, arg0, arg1, length = protocol.decode_header(self._receive(protocol.HEADER.size))
                self._handle(Packet(command, arg0, arg1, self._receive(length)))
        except (OSError, ProtocolError):
            pass
        finally:
            with self._streams_lock:
                streams = list(self._streams.values())
            for stream in streams:
                stream.closed_by_host()
            self._peer.close()

    def _receive(self, length: int) -> bytes:
        data = bytearray(length)
        view = memoryview(data)
        while view:
            count = self._peer.recv_into(view)
            if not count:
                raise ProtocolError("connection closed")
            view = view[count:]
        self._phone.traffic.pace(length)
        return bytes(data)

    def greet(self) -> None:
        """Tells the adb server what it is to us, where that is another thing than before."""
        greeting = self._phone.greeting
        if not self._is_known or greeting == self._greeted:
            return
        known, self._greeted = self._greeted == "device", greeting
        if greeting == "device":
            text = protocol.banner(self._phone.banner, self._features)
            self.send(Packet(protocol.CNXN, protocol.VERSION, protocol.MAX_PAYLOAD, text))
            return
        if known:
            with self._streams_lock:
                streams = list(self._streams.values())
            for stream in streams:
                stream.closed_by_host()
                self.send(Packet(protocol.CLSE, stream.local, stream.remote))
        if greeting != "connecting":
            self._ask_for_signature()
        elif known:
            self.drop()

    def _ask_for_signature(self) -> None:
        self.send(Packet(protocol.AUTH, protocol.AUTH_TOKEN, 0, os.urandom(20)))

    def _handle(self, packet: Packet) -> None:
        if packet.command == protocol.CNXN:
            self.max_payload = max(1, min(packet.arg1, protocol.MAX_PAYLOAD))
            self._is_known = True
            self.greet()
        elif packet.command == protocol.AUTH:
            # No signature is known here, and nobody taps "allow" after the public key. While nobody has answered the
            # server waits with its first key (authorizing); when it has shown all it is unauthorized.
            if packet.arg0 == protocol.AUTH_SIGNATURE and self._greeted == "unauthorized":
                self._ask_for_signature()
        elif packet.command == protocol.OPEN:
            if self._greeted == "device":
                self._open(packet)
        else:
            with self._streams_lock:
                stream = self._streams.get(packet.arg1)
            if stream is None:
                return
            if packet.command == protocol.WRTE:
                stream.receive(packet.data)
            elif packet.command == protocol.OKAY:
                stream.acknowledge()
            elif packet.command == protocol.CLSE:
                stream.closed_by_host()

    def _open(self, packet: Packet) -> None:
        name = packet.data.rstrip(b"\0").decode("utf-8", "surrogateescape")
        service = self._phone.service(name, shell_v2="shell_v2" in self._features)
        if service is None:
            self.send(Packet(protocol.CLSE, 0, packet.arg0))
            return
        with self._streams_lock:
            stream = Stream(self.send, self.max_payload, self._next, packet.arg0)
            self._streams[self._next] = stream
            self._next += 1
        self.send(Packet(protocol.OKAY, stream.local, stream.remote))
        threading.Thread(target=self._run, args=(service, stream), daemon=True).start()

    def _run(self, service: Service, stream: Stream) -> None:
        try:
            service(stream)
        except StreamClosed:
            pass
        finally:
            stream.close()
            with self._streams_lock:
                self._streams.pop(stream.local, None)


Service = Callable[[Stream], None]


class Adbd:
    """The daemon: takes connections from the phone's supervisor and serves them."""

    def __init__(self, banner: Mapping[str, str], environment: Mapping[str, str]) -> None:
        self.banner = dict(banner)
        self._environment = dict(environment)
        self._connections: list[Connection] = []
        self._crowd: subprocess.Popen[bytes] | None = None
        self.traffic = Traffic()
        self.greeting = "device"  # or unauthorized, authorizing, connecting

    def serve(self, control: socket.socket) -> None:
        """Reads orders (one datagram each) until the supervisor is gone."""

        def tell(message: Mapping[str, Any]) -> None:
            with contextlib.suppress(OSError):
                control.send(json.dumps(message).encode())

        self.traffic = Traffic(tell)
        while True:
            message, descriptors, _, _ = socket.recv_fds(control, 1 << 17, 1)
            if not message:
                return
            self._obey(json.loads(message), descriptors)

    def _obey(self, order: dict[str, Any], descriptors: list[int]) -> None:
        kind = order["order"]
        if kind == "connection":
            peer = socket.socket(fileno=descriptors[0])
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.greeting = order["greeting"]
            connection = Connection(peer, self, shell_v2=order["shell_v2"])
            self._connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()
        elif kind == "drop":
            for connection in list(self._connections):
                connection.drop()
        elif kind == "greeting":
            self.greeting = order["greeting"]
            for connection in list(self._connections):  # a sender may have to wait, the reader of orders must not
                threading.Thread(target=connection.greet, daemon=True).start()
        elif kind == "faults":
            self.traffic.obey(order["faults"], order["triggers"])
        elif kind == "begun":
            self.traffic.begun(order["number"])
        elif kind == "crowd":
            self._gather(order["count"])

    def _gather(self, count: int) -> None:
        """Lets so many processes stand about."""
        if self._crowd:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._crowd.pid, signal.SIGKILL)
            self._crowd.wait()
            self._crowd = None
        if count:
            text = "i=0; while [ $i -lt $1 ]; do sleep 86400 & i=$((i+1)); done; wait"
            argv = [shell.SH, "-c", text, "sh", str(count)]
            self._crowd = subprocess.Popen(argv, env=self._environment, cwd="/", start_new_session=True)

    def _serve(self, connection: Connection) -> None:
        try:
            connection.serve()
        finally:
            self._connections.remove(connection)

    def service(self, name: str, *, shell_v2: bool) -> Service | None:
        """What serves a name, as in ``shell,v2,raw:ls``; None where adbd refuses it."""
        kind, _, argument = name.partition(":")
        kind, *options = kind.split(",")
        if kind in ("shell", "exec"):
            if "v2" in options and not shell_v2:
                return None
            request = shell.request(kind, options, argument)
            return lambda stream: self._run_command(stream, request)
        if name == "sync:":
            return lambda stream: sync.serve(stream, self.traffic)
        if kind == "reboot":
            return _reboot
        if kind in ("root", "remount"):
            return lambda stream: stream.write(b"adbd cannot run as root in production builds\n")
        return None

    def _run_command(self, stream: Stream, request: shell.Request) -> None:
        treatment = self.traffic.command(request.command)
        if self.traffic.hang(treatment, lambda: stream.is_closed):
            shell.serve(stream, request, self._environment, treatment)


def _reboot(stream: Stream) -> None:
    POWER.write_text("reboot\n")
    time.sleep(60)  # ended by the reboot
