"""A small adb server for unit tests: the host side of the protocol, with this machine's own shell as the phone's."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import socketserver
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from harness.devices import adb_files
from harness.devices.adb import AdbDevice
from harness.devices.transport import Server, Transport

PROPERTIES = {
    "ro.product.model": "Pixel 3",
    "ro.product.manufacturer": "Google",
    "ro.soc.model": "SDM845",
    "ro.build.version.release": "12",
    "ro.build.version.sdk": "31",
    "ro.product.cpu.abilist": "arm64-v8a,armeabi-v7a,armeabi",
    "ro.serialno": "ABC",
    "sys.boot_completed": "1",
}


@dataclass
class FakePhone:
    """What a phone shows and which faults it has."""

    root: Path
    state: str = "device"
    features: str = "shell_v2,cmd,stat_v2"
    properties: dict[str, str] = field(default_factory=lambda: dict(PROPERTIES))
    shell: str = "/bin/sh"
    drop_shell: bool = False  # close the connection in the middle of a shell command
    refusal: str = ""  # of a connection to the phone, by the server
    silent: str = ""  # a command runs, and of its output comes nothing ("all") or all but its exit code ("end")
    noise: str = ""  # printed by every shell before its command
    push_failure: str = ""  # the reason a push is refused with
    push_limit: int = -1  # a push keeps this many bytes only, and says OKAY
    path: str = ""  # where its programs lie; "": this machine's as well
    push_cut: bool = False  # close the connection in the middle of a push

    def write_programs(self) -> None:
        programs = self.root / "bin"
        programs.mkdir(parents=True, exist_ok=True)
        listing = "".join(f"[{key}]: [{value}]\n" for key, value in self.properties.items())
        (self.root / "properties").write_text(listing)
        (programs / "getprop").write_text(f'#!/bin/sh\ncat "{self.root}/properties"\n')
        (programs / "settings").write_text(
            "#!/bin/sh\n"
            f'file="{self.root}/settings-$2-$3"\n'
            "case $1 in\n"
            'get) cat "$file" 2>/dev/null || echo null ;;\n'
            'put) printf "%s\\n" "$4" >"$file" ;;\n'
            'delete) rm -f "$file"; echo "Deleted 1 rows" ;;\n'
            "esac\n"
        )
        for program in programs.iterdir():
            program.chmod(0o755)


class FakeAdb(socketserver.ThreadingTCPServer):
    """Answers as an adb server for ``phones``."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.phones: dict[str, FakePhone] = {}
        self.requests: list[str] = []
        self.alike: dict[str, tuple[str, str]] = {}  # by name: the serial that it is listed by, and its USB port

    def listed(self, long: bool) -> str:
        """``host:devices``, or ``host:devices-l``."""
        lines = []
        for number, (name, phone) in enumerate(self.phones.items(), start=1):
            serial, port = self.alike.get(name, (name, ""))
            rest = f"{port} model:X".strip()
            lines.append(
                f"{serial:<22} {phone.state} {rest} transport_id:{number}" if long else f"{serial}\t{phone.state}"
            )
        return "".join(f"{line}\n" for line in lines)

    def by_id(self, number: str) -> FakePhone:
        """The phone with that transport id."""
        return list(self.phones.values())[int(number) - 1]

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


class _Handler(socketserver.BaseRequestHandler):
    server: FakeAdb

    def handle(self) -> None:
        try:
            while self._command():
                pass
        except (ConnectionError, EOFError):
            pass

    def _read(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            piece = self.request.recv(count - len(data))
            if not piece:
                raise EOFError
            data += piece
        return data

    def _fail(self, text: str) -> bool:
        self.request.sendall(b"FAIL%04x" % len(text) + text.encode())
        return False

    def _block(self, text: str) -> bool:
        self.request.sendall(b"OKAY%04x" % len(text) + text.encode())
        return False

    def _command(self) -> bool:
        command = self._read(int(self._read(4), 16)).decode()
        self.server.requests.append(command)
        if command == "host:version":
            return self._block("0029")
        if command == "host:devices":
            return self._block(self.server.listed(long=False))
        if command == "host:devices-l":
            return self._block(self.server.listed(long=True))
        if command.startswith("host-transport-id:") and command.endswith(":features"):
            return self._block(self.server.by_id(command.split(":")[1]).features)
        if command.startswith("host:transport-id:"):
            self.phone = self.server.by_id(command.rpartition(":")[2])
            self.request.sendall(b"OKAY")
            return True
        if command.startswith("host-serial:") and command.endswith(":features"):
            return self._block(self.server.phones[command[len("host-serial:") : -len(":features")]].features)
        if command.startswith("host:transport:"):
            serial = command.removeprefix("host:transport:")
            if serial not in self.server.phones:
                return self._fail(f"device '{serial}' not found")
            self.phone = self.server.phones[serial]
            if self.phone.refusal:
                return self._fail(self.phone.refusal)
            self.request.sendall(b"OKAY")
            return True
        if command.endswith(":get-state"):
            serial = command[len("host-serial:") : -len(":get-state")]
            known = serial in self.server.phones
            return self._block(self.server.phones[serial].state) if known else self._fail("device not found")
        if command.endswith(":reconnect") or command.startswith("host:connect:"):
            known = any(f":{serial}" in command for serial in self.server.phones)
            return self._block("reconnecting" if known else "device not found")
        if command.startswith("shell,v2,raw:"):
            return self._shell(command.removeprefix("shell,v2,raw:"))
        if command == "sync:":
            return self._sync()
        return self._fail("closed")

    def _shell(self, command: str) -> bool:
        self.request.sendall(b"OKAY")
        path = self.phone.path or f"{self.phone.root / 'bin'}:{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path}
        process = subprocess.Popen(
            [self.phone.shell, "-c", self.phone.noise + command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
        assert process.stdin and process.stdout and process.stderr
        lock, silent, self.phone.silent = threading.Lock(), self.phone.silent, ""  # the next connection is a new one

        def copy(stream: object, kind: int) -> None:
            while data := os.read(stream.fileno(), 4096):  # type: ignore[attr-defined]
                if silent == "all":
                    continue
                with lock, contextlib.suppress(OSError):  # the client may have gone
                    self.request.sendall(struct.pack("<BI", kind, len(data)) + data)

        def feed() -> None:
            try:
                while True:
                    kind, length = struct.unpack("<BI", self._read(5))
                    data = self._read(length)
                    if kind == 0:
                        process.stdin.write(data)  # type: ignore[union-attr]
                        process.stdin.flush()  # type: ignore[union-attr]
                    elif kind == 4:
                        process.stdin.close()  # type: ignore[union-attr]
            except (OSError, EOFError):  # the client has closed the stream: adbd hangs up on the shell
                process.send_signal(signal.SIGHUP)
            except ValueError:
                pass

        threading.Thread(target=feed, daemon=True).start()
        if self.phone.drop_shell:
            self.request.sendall(struct.pack("<BI", 1, 100) + b"only this much")
            process.kill()
            process.wait()
            return False
        copies = [
            threading.Thread(target=copy, args=(stream, kind), daemon=True)
            for stream, kind in ((process.stdout, 1), (process.stderr, 2))
        ]
        for thread in copies:
            thread.start()
        for thread in copies:
            thread.join()
        code = process.wait()
        if silent:
            with contextlib.suppress(OSError):
                self.request.recv(1)  # until the client has had enough
            return False
        self.request.sendall(struct.pack("<BIB", 3, 1, 128 - code if code < 0 else code))
        self.request.shutdown(socket.SHUT_WR)
        return False

    def _sync(self) -> bool:
        self.request.sendall(b"OKAY")
        kind, length = struct.unpack("<4sI", self._read(8))
        name = self._read(length).decode()
        if kind == b"RECV":
            try:
                data = Path(name).read_bytes()
            except OSError as error:
                text = str(error.strerror).encode()
                self.request.sendall(b"FAIL" + struct.pack("<I", len(text)) + text)
                return False
            for at in range(0, len(data), 65536):
                piece = data[at : at + 65536]
                self.request.sendall(b"DATA" + struct.pack("<I", len(piece)) + piece)
            self.request.sendall(b"DONE" + struct.pack("<I", 0))
            return False
        path, _, mode = name.rpartition(",")
        data = b""
        while True:
            what, length = struct.unpack("<4sI", self._read(8))
            if what == b"DONE":
                break
            data += self._read(length)
            if self.phone.push_cut:
                Path(path).write_bytes(data[:10])
                return False
        if self.phone.push_failure:
            text = self.phone.push_failure.encode()
            self.request.sendall(b"FAIL" + struct.pack("<I", len(text)) + text)
            return False
        Path(path).write_bytes(data if self.phone.push_limit < 0 else data[: self.phone.push_limit])
        Path(path).chmod(int(mode) & 0o777)
        self.request.sendall(b"OKAY" + struct.pack("<I", 0))
        return False


@pytest.fixture
def fake_adb() -> Iterator[FakeAdb]:
    """An adb server without phones."""
    yield from _served()


@pytest.fixture
def another_adb() -> Iterator[FakeAdb]:
    """A second one."""
    yield from _served()


def _served() -> Iterator[FakeAdb]:
    with FakeAdb() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield server
        server.shutdown()


@pytest.fixture
def phone(fake_adb: FakeAdb, tmp_path: Path) -> FakePhone:
    """The phone "PHONE1" of that server."""
    one = FakePhone(tmp_path / "PHONE1")
    one.write_programs()
    fake_adb.phones["PHONE1"] = one
    return one


@pytest.fixture
def add_phone(fake_adb: FakeAdb, tmp_path: Path) -> object:
    """A function (serial, **faults and properties) that attaches one more phone."""

    def add(serial: str, properties: dict[str, str] | None = None, **values: str) -> FakePhone:
        one = FakePhone(tmp_path / f"phone{len(fake_adb.phones)}", **values)  # type: ignore[arg-type]
        one.properties.update(properties or {})
        one.write_programs()
        fake_adb.phones[serial] = one
        return one

    return add


@pytest.fixture(params=["sh", "mksh", "busybox"])
def shell(request: pytest.FixtureRequest, tmp_path: Path, need_tool: Callable[[str], str]) -> str:
    """Shells that phones have, or their likes; what is not installed is skipped."""
    name: str = request.param
    found = need_tool(name)
    link = tmp_path / "PHONE1" / "bin" / "sh"  # so that `sh` inside of scripts is the same one
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(found)
    return str(link)


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in the place of /data/local/tmp."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.setattr(adb_files, "WORK_ROOT", str(folder))
    return folder


@pytest.fixture
def device(fake_adb: FakeAdb, phone: FakePhone, work: Path) -> AdbDevice:
    """The Device for PHONE1."""
    host, port = fake_adb.address.split(":")
    return AdbDevice(Transport(Server(host, int(port)), "PHONE1"))
