"""Streams and the file service without an adb server."""

import os
import struct
import threading
from collections import deque
from pathlib import Path

import pytest

from harness.lab import adbd, protocol, shell, sync
from harness.lab.protocol import Packet
from harness.lab.stream import Stream, StreamClosed

pytestmark = pytest.mark.unit


class Host:
    """The other end of a file service: bytes to send, bytes that came."""

    def __init__(self, *parts: bytes, cut: int = 7) -> None:
        whole = b"".join(parts)
        self._left = deque(whole[i : i + cut] for i in range(0, len(whole), cut))
        self.seen = b""

    def read(self) -> bytes:
        return self._left.popleft() if self._left else b""

    def write(self, data: bytes) -> None:
        self.seen += data


def request(kind: bytes, payload: bytes | str = b"") -> bytes:
    data = payload.encode() if isinstance(payload, str) else payload
    return kind + struct.pack("<I", len(data)) + data


def exchange(*parts: bytes) -> bytes:
    host = Host(*parts)
    sync.serve(host)
    return host.seen


def test_send_and_receive(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "file"
    data = os.urandom(100_000)
    chunks = [request(b"DATA", data[:65536]), request(b"DATA", data[65536:])]
    done = b"DONE" + struct.pack("<I", 1_500_000_000)
    assert exchange(request(b"SEND", f"{path},{0o100644}"), *chunks, done) == b"OKAY\0\0\0\0"
    assert path.read_bytes() == data
    assert path.stat().st_mode & 0o777 == 0o666
    assert int(path.stat().st_mtime) == 1_500_000_000
    setup = b"SND2" + struct.pack("<II", 0o100755, 0)
    second = tmp_path / "second"
    assert exchange(request(b"SND2", str(second)), setup, *chunks, done) == b"OKAY\0\0\0\0"
    assert second.stat().st_mode & 0o777 == 0o777
    for ask in (request(b"RECV", str(path)), request(b"RCV2", str(path)) + b"RCV2\0\0\0\0"):
        answer = exchange(ask)
        assert answer == request(b"DATA", data[:65536]) + request(b"DATA", data[65536:]) + b"DONE\0\0\0\0"


def test_a_push_that_is_cut_leaves_the_part(tmp_path: Path) -> None:
    path = tmp_path / "file"
    assert exchange(request(b"SEND", f"{path},33188"), request(b"DATA", b"part"), b"DATA\x08\0\0\0abc") == b""
    assert path.read_bytes() == b"part"


def test_a_push_that_fails_says_why_and_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    target.mkdir()
    answer = exchange(request(b"SEND", f"{target},33188"), request(b"DATA", b"x"), b"DONE\0\0\0\0")
    assert answer.startswith(b"FAIL")
    assert b"directory" in answer


def test_stat_and_list(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    (tmp_path / "link").symlink_to("absent")
    kind, mode, size, _ = struct.unpack("<4s3I", exchange(request(b"STAT", str(tmp_path / "a"))))
    assert (kind, mode, size) == (b"STAT", 0o100644, 5)
    assert exchange(request(b"STAT", str(tmp_path / "absent"))) == b"STAT" + bytes(12)
    assert struct.unpack_from("<4sI", exchange(request(b"STA2", str(tmp_path / "link")))) == (b"STA2", 2)
    assert struct.unpack_from("<4sI", exchange(request(b"LST2", str(tmp_path / "link")))) == (b"LST2", 0)
    for ask, entry, end in ((b"LIST", 20, 20), (b"LIS2", 76, 76)):
        answer = exchange(request(ask, str(tmp_path)))
        names = []
        while answer[:4] != b"DONE":
            (length,) = struct.unpack_from("<I", answer, entry - 4)
            names.append(answer[entry : entry + length])
            answer = answer[entry + length :]
        assert sorted(names) == [b".", b"..", b"a", b"link"]
        assert len(answer) == end


def test_compression_is_refused(tmp_path: Path) -> None:
    answer = exchange(request(b"RCV2", str(tmp_path / "a")), b"RCV2\x01\0\0\0")
    assert answer.startswith(b"FAIL")


def test_one_write_in_flight() -> None:
    sent: list[Packet] = []
    stream = Stream(sent.append, 4, 1, 2)
    writer = threading.Thread(target=stream.write, args=(b"abcdefghij",))
    writer.start()
    for expected in (b"abcd", b"efgh", b"ij"):
        for _ in range(500):
            if sent and sent[-1].data == expected:
                break
            threading.Event().wait(0.002)
        assert [packet.data for packet in sent][-1] == expected
        stream.acknowledge()
    writer.join()
    assert len(sent) == 3


def test_data_is_acknowledged_when_it_is_taken() -> None:
    sent: list[Packet] = []
    stream = Stream(sent.append, 4, 1, 2)
    stream.receive(b"x")
    assert sent == []
    assert stream.read() == b"x"
    assert sent == [Packet(protocol.OKAY, 1, 2)]
    stream.closed_by_host()
    assert stream.read() == b""
    stream.acknowledge()
    with pytest.raises(StreamClosed):
        stream.write(b"y")
    stream.close()
    assert sent == [Packet(protocol.OKAY, 1, 2)]


@pytest.mark.parametrize(
    ("name", "packets", "terminal", "command"),
    [
        ("shell,v2,raw:ls -l", True, False, "ls -l"),
        ("shell,v2,TERM=xterm,pty:top", True, True, "top"),
        ("shell,v2,TERM=xterm:", True, True, ""),
        ("shell:ls:x", False, False, "ls:x"),
        ("exec:cat", False, False, "cat"),
    ],
)
def test_shell_requests(name: str, packets: bool, terminal: bool, command: str) -> None:
    kind, _, argument = name.partition(":")
    kind, *options = kind.split(",")
    wanted = shell.request(kind, options, argument)
    assert (wanted.packets, wanted.terminal, wanted.command) == (packets, terminal, command)


def test_services() -> None:
    daemon = adbd.Adbd({}, {})
    for name in ("shell,v2,raw:ls", "shell:ls", "exec:ls", "sync:", "reboot:", "root:"):
        assert daemon.service(name, shell_v2=True) is not None
    for name in ("tcpip:5555", "jdwp:1", "", "tcp:80"):
        assert daemon.service(name, shell_v2=True) is None
    assert daemon.service("shell,v2,raw:ls", shell_v2=False) is None
