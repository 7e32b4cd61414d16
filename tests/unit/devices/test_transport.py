"""What is asked of an adb server: deadlines that hold for the whole of it, one reconnection of one phone."""

from __future__ import annotations

import io
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

import pytest
from adbutils.errors import AdbTimeout

from harness.devices.transport import Deadline, Server, Transport
from harness.errors import DeviceError, DeviceLost, InfrastructureError

pytestmark = pytest.mark.unit


@pytest.fixture
def dribbling() -> Iterator[Server]:
    """A server that sends a byte now and then, each of them well within a deadline for one read."""
    listener = socket.create_server(("127.0.0.1", 0))
    end = threading.Event()

    def serve() -> None:
        while not end.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                try:
                    is_query = b"host:devices" in connection.recv(100)
                    connection.sendall(b"OKAY0fff" if is_query else b"OKAYOKAYDATA\xff\xff\0\0")
                    while not end.wait(0.05):
                        connection.sendall(b"x")
                except OSError:
                    continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield Server(*listener.getsockname())
    end.set()
    listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)
    listener.close()


def test_a_server_that_hangs_up_before_it_answers() -> None:
    """As a tunnel does whose other end is gone."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            connection.recv(100)
            connection.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        with pytest.raises(DeviceLost, match=r"connection lost while running a command \(closed\)"):
            Transport(Server(*listener.getsockname()), "PHONE1").shell("true", Deadline(5))
        thread.join()


def test_a_deadline_holds_for_all_reads_together(dribbling: Server) -> None:
    began = time.monotonic()
    with pytest.raises(AdbTimeout):
        dribbling.query("host:devices", 0.3)
    with pytest.raises(DeviceLost, match="the connection hangs"):
        Transport(dribbling, "PHONE1").receive_file("/f", open("/dev/null", "wb"), Deadline(0.3))  # noqa: SIM115, PTH123
    assert time.monotonic() - began < 5


class Broken(io.RawIOBase):
    """A file on a disk of this host that is full, or broken."""

    def write(self, data: Any) -> int:
        raise OSError(28, "No space left on device")

    def read(self, size: int = -1) -> bytes:
        raise OSError(5, "Input/output error")


def test_a_file_of_this_host_that_fails_is_no_lost_connection(fake_adb: Any, phone: Any, tmp_path: Path) -> None:
    host, port = fake_adb.address.split(":")
    transport = Transport(Server(host, int(port)), "PHONE1")
    (tmp_path / "source").write_bytes(b"x" * 100)
    with pytest.raises(InfrastructureError, match="No space left") as caught:
        transport.receive_file(str(tmp_path / "source"), cast(IO[bytes], Broken()), Deadline(10))
    assert not isinstance(caught.value, DeviceError)  # nobody waits for the phone
    with pytest.raises(InfrastructureError, match="Input/output error") as caught:
        transport.send_file(cast(IO[bytes], Broken()), str(tmp_path / "target"), 0o644, Deadline(10))
    assert not isinstance(caught.value, DeviceError)


def test_one_phone_is_reconnected_and_no_other(fake_adb: Any, add_phone: Any) -> None:
    host, port = fake_adb.address.split(":")
    for serial in ("PHONE1", "10.0.0.7:5555"):
        add_phone(serial)
    Transport(Server(host, int(port)), "PHONE1").reconnect()
    Transport(Server(host, int(port)), "10.0.0.7:5555").reconnect()
    assert fake_adb.requests == ["host-serial:PHONE1:reconnect", "host-serial:10.0.0.7:5555:reconnect"]


def test_a_phone_on_the_network_that_the_server_forgot_is_connected(fake_adb: Any, add_phone: Any) -> None:
    host, port = fake_adb.address.split(":")
    Transport(Server(host, int(port)), "10.0.0.7:5555").reconnect()
    assert fake_adb.requests == ["host-serial:10.0.0.7:5555:reconnect", "host:connect:10.0.0.7:5555"]
    fake_adb.requests.clear()
    Transport(Server(host, int(port)), "10.0.0.7:5555").reconnect(only_if_forgotten=True)
    assert fake_adb.requests == ["host-serial:10.0.0.7:5555:get-state", "host:connect:10.0.0.7:5555"]
    fake_adb.requests.clear()
    add_phone("10.0.0.8:5555", state="offline")
    Transport(Server(host, int(port)), "10.0.0.8:5555").reconnect(only_if_forgotten=True)
    assert fake_adb.requests == ["host-serial:10.0.0.8:5555:get-state"]
    fake_adb.requests.clear()
    for serial in ("USB1", "usb:1-2", "transport_id:5"):
        Transport(Server(host, int(port)), serial).reconnect()
        assert fake_adb.requests.pop() == f"host-serial:{serial}:reconnect"


def test_a_server_that_is_gone_is_no_error_of_a_reconnection() -> None:
    Transport(Server("127.0.0.1", 1), "PHONE1").reconnect()
