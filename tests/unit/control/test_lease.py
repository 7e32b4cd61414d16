"""Who may use a device, and this host's CPUs, at the same time; over processes as within one."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.control import lease, phone_lock
from harness.control.holder import Holder as Who
from harness.devices.base import Identity
from harness.devices.local import LocalDevice
from harness.devices.scripts import parse_stat
from harness.errors import DeviceError
from harness.model.condition import Condition

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


class OnThisHost(LocalDevice):
    """A phone whose shell is this machine's, with a folder of its own."""

    def __init__(self, root: Path, number: str = "8A9X0B1C2", address: str = "10.0.0.7:5555") -> None:
        super().__init__(root)
        self._who = Identity(address, "adb", model="Pixel 3", board="blueline", serialno=number)

    @property
    def identity(self) -> Identity:
        return self._who


@pytest.fixture
def phone(tmp_path: Path) -> OnThisHost:
    return OnThisHost(tmp_path / "phone")


def test_a_device_is_leased_once(phone: OnThisHost, tmp_path: Path) -> None:
    again = OnThisHost(tmp_path / "phone", address="10.0.0.7:6666")
    with ExitStack() as stack:
        assert stack.enter_context(lease.leased(phone, run="sweep")) == lease.Lease()
        stack.enter_context(lease.leased(OnThisHost(tmp_path / "another", "B9913Y")))
        with pytest.raises(DeviceError, match=rf"another harness run is using the device: .*pid {os.getpid()}.*sweep"):
            stack.enter_context(lease.leased(again))
    with lease.leased(again):
        pass
    assert list((tmp_path / "phone").iterdir()) == []


def test_two_users_of_the_host_meet(phone: OnThisHost, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with lease.leased(phone):
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "of another user"))
        with pytest.raises(DeviceError, match="another harness run"), lease.leased(phone):
            pytest.fail("held")


def test_whoever_waits_is_told_whom_for_and_gets_it(phone: OnThisHost) -> None:
    said: list[str] = []
    held, done = threading.Event(), threading.Event()

    def first() -> None:
        with lease.leased(phone, run="first"):
            held.set()
            done.wait(10)

    def say(text: str) -> None:
        said.append(text)
        done.set()

    with ThreadPoolExecutor() as pool:
        other = pool.submit(first)
        held.wait(10)
        with lease.leased(phone, wait_s=10, say=say):
            assert other.done() or done.is_set()
        other.result(10)
    (words,) = said
    assert words.startswith("waiting for up to 10 s: another harness run") and "run first" in words


def test_a_wait_ends_by_itself_or_by_a_stop(phone: OnThisHost) -> None:
    with lease.leased(phone):
        with pytest.raises(DeviceError, match=r"\(waited for 0.1 s\)"), lease.leased(phone, wait_s=0.1):
            pytest.fail("held")
        with pytest.raises(DeviceError, match="stopped"), lease.leased(phone, wait_s=60, stop=stopped_soon()):
            pytest.fail("held")


def test_a_harness_of_another_host_is_met_on_the_phone(
    phone: OnThisHost, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with lease.leased(phone):
        monkeypatch.setenv("HARNESS_LOCK_DIR", str(tmp_path / "of another host"))
        with pytest.raises(DeviceError, match="another harness run") as caught, lease.leased(phone):
            pytest.fail("held")
        assert "counts for another 180 s" in caught.value.remedy
    with lease.leased(phone):
        pass


def test_a_phone_that_takes_no_lock_is_still_measured(tmp_path: Path, phone: OnThisHost) -> None:
    (tmp_path / "phone").mkdir()
    (tmp_path / "phone" / "harness-lock").touch()  # as good as a full disk: no folder can be made
    with lease.leased(phone) as held:
        (found,) = held.conditions
    assert not held.alone
    assert found.name == "UNLOCKED" and "harness-lock cannot be written" in found.what


def test_a_host_without_a_folder_for_locks_is_told(
    phone: OnThisHost, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("HARNESS_LOCK_DIR", str(tmp_path / "file" / "locks"))
    with lease.leased(phone) as held:
        (found,) = held.conditions
    assert held.alone  # the lock on the phone keeps this host's runs out as well
    assert found.name == "UNLOCKED" and str(tmp_path / "file" / "locks") in found.what
    with lease.host_cpus(LOCAL, threading.Event(), pytest.fail) as conditions:
        assert [condition.name for condition in conditions] == ["UNLOCKED"]


def test_a_phone_in_use_is_not_asked_all_the_time(
    phone: OnThisHost, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[Any] = []
    whole = OnThisHost.run

    def counted(*positional: Any, **named: Any) -> Any:
        asked.append(positional)
        return whole(*positional, **named)

    with lease.leased(phone):
        monkeypatch.setattr(OnThisHost, "run", counted)
        monkeypatch.setenv("HARNESS_LOCK_DIR", str(tmp_path / "of another host"))
        with pytest.raises(DeviceError, match=r"waited for 0\.5 s"), lease.leased(phone, wait_s=0.5):
            pytest.fail("held")
    assert len(asked) <= 4


def test_the_death_of_a_holder_of_this_host_is_seen_without_asking_the_phone() -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        stat = parse_stat(Path(f"/proc/{process.pid}/stat").read_text())
        assert stat is not None
        ours = replace(Who.me(), pid=process.pid, start=stat[1])
        threading.Timer(0.2, process.kill).start()
        before = time.monotonic()
        lease._Wait(60, threading.Event(), lambda _: None).again(ours, 180.0)
        assert ours.is_dead
    assert time.monotonic() - before < 10  # a phone is asked every 20 s


def test_results_are_stamped_from_the_moment_that_another_harness_has_the_phone(
    phone: OnThisHost, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(phone_lock, "RENEWED_S", 0.05)
    stamped: list[Condition] = []
    done = threading.Event()

    def stamp(condition: Condition) -> None:
        stamped.append(condition)
        done.set()

    with lease.leased(phone, say=pytest.fail, stamp=stamp) as held:
        assert held.conditions == ()
        (tmp_path / "phone" / "harness-lock" / "2").mkdir()
        assert done.wait(10)
    assert [(c.name, c.what.split(":")[0]) for c in stamped] == [("UNLOCKED", "the lock on the phone is gone")]
    assert "measure again" in stamped[0].advice


def test_a_waiting_local_is_told_which_runs_have_virtual_phones(tmp_path: Path) -> None:
    said: list[str] = []
    virtual = OnThisHost(tmp_path / "phone")
    virtual._who = VIRTUAL
    stop = threading.Event()

    def say(text: str) -> None:
        said.append(text)
        stop.set()

    with (
        lease.leased(virtual, run="sweep of many"),
        lease.host_cpus(VIRTUAL, threading.Event(), pytest.fail),
        pytest.raises(DeviceError, match="stopped while it waited"),
        lease.host_cpus(LOCAL, stop, say),
    ):
        pytest.fail("held")
    assert "sweep of many" in said[0] and f"pid {os.getpid()}" in said[0]
