"""Who may use a device, and this host's CPUs, at the same time; over processes as within one."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from harness.control import lease
from harness.devices.base import Identity
from harness.errors import DeviceError

pytestmark = pytest.mark.unit

LOCAL = Identity("local", "local")
VIRTUAL = Identity("127.0.0.1:6001", "adb", emulated=True)
PHONE = Identity("8A9X0", "adb")
HOLDER = """
import sys, threading
from harness.control.lease import host_cpus
from harness.devices.base import Identity
with host_cpus(Identity("x", sys.argv[1], emulated=sys.argv[1] == "adb"), threading.Event(), print):
    print("held", flush=True)
    sys.stdin.read()
"""

Holder = Callable[[str], subprocess.Popen[str]]


@pytest.fixture
def holder() -> Iterator[Holder]:
    """Starts a process that holds this host's CPUs for a device of that kind."""
    begun: list[subprocess.Popen[str]] = []

    def start(kind: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", HOLDER, kind]
        root = Path(__file__).resolve().parents[3]
        process = subprocess.Popen(
            command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )  # fmt: skip
        begun.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        return process

    yield start
    for process in begun:
        process.kill()
        process.communicate()


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "_AGAIN_S", 0.01)


def stopped_soon() -> threading.Event:
    """An event that is set after a moment."""
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    return stop


@pytest.mark.parametrize(("mine", "other"), [(LOCAL, "adb"), (VIRTUAL, "local"), (LOCAL, "local")])
def test_local_and_virtual_phones_wait_for_each_other(holder: Holder, mine: Identity, other: str) -> None:
    process = holder(other)
    said: list[str] = []
    began = time.monotonic()
    threading.Timer(0.4, process.kill).start()  # the system gives back what a killed process held
    with lease.host_cpus(mine, threading.Event(), said.append):
        assert time.monotonic() - began >= 0.4
    (words,) = said
    assert words.startswith("waiting: ")
    assert "this machine" in words


@pytest.mark.parametrize(("mine", "other"), [(VIRTUAL, "adb"), (PHONE, "local")])
def test_virtual_phones_share_and_real_ones_need_no_cpu_of_ours(holder: Holder, mine: Identity, other: str) -> None:
    holder(other)
    with lease.host_cpus(mine, threading.Event(), pytest.fail):
        pass


def test_a_stop_ends_the_wait(holder: Holder) -> None:
    holder("adb")
    with (
        pytest.raises(DeviceError, match="stopped while it waited: virtual phones are in use"),
        lease.host_cpus(LOCAL, stopped_soon(), lambda text: None),
    ):
        pytest.fail("held")


def test_within_one_process_local_waits_for_all_phones() -> None:
    held, done = threading.Barrier(3), threading.Event()
    order: list[str] = []

    def phone(_: int) -> None:
        with lease.host_cpus(VIRTUAL, threading.Event(), pytest.fail):
            held.wait(10)  # both at once
            done.wait(10)
            order.append("phone")

    def local() -> None:
        with lease.host_cpus(LOCAL, threading.Event(), lambda text: done.set()):
            order.append("local")

    with ThreadPoolExecutor() as pool:
        phones = [pool.submit(phone, n) for n in range(2)]
        held.wait(10)
        last = pool.submit(local)
        for each in (*phones, last):
            each.result(20)
    assert order == ["phone", "phone", "local"]


def test_a_device_is_leased_once() -> None:
    with ExitStack() as stack:
        stack.enter_context(lease.leased("a"))
        stack.enter_context(lease.leased("b"))
        with pytest.raises(DeviceError, match="another harness run is using the device"), lease.leased("a"):
            pytest.fail("held")
    with lease.leased("a"):
        pass


def test_a_state_folder_that_cannot_be_used_is_said(isolated_state: Path) -> None:
    folder = isolated_state / "harness" / "leases"
    (folder / "host-cpus.db").mkdir(parents=True)
    with (
        pytest.raises(DeviceError, match="cannot be used"),
        lease.host_cpus(LOCAL, threading.Event(), pytest.fail),
    ):
        pytest.fail("held")
