"""Faults where only a real phone behind a real adb server shows them: one phone, one walk."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from harness.errors import InfrastructureError, UsageError
from harness.lab import adbserver, manager, rehearsal
from harness.lab.manager import PhoneHandle

pytestmark = pytest.mark.integration

TMP = "/data/local/tmp"
COPY = f"cp /system/bin/toybox {TMP}/toybox && {TMP}/toybox true; echo $?"


@pytest.fixture(scope="module")
def phone(lab: Any) -> Iterator[PhoneHandle]:
    with lab.phone() as made:
        yield made


@pytest.fixture
def on(lab: Any, phone: PhoneHandle, lab_environment: object) -> Callable[..., Any]:
    """``with on("df=missing"):``"""

    @contextmanager
    def put(*faults: str) -> Iterator[rehearsal.Rehearsed]:
        try:
            yield rehearsal.put_on(phone, *faults)
        finally:
            (same,) = [one for one in manager.list_phones() if one.pid == phone.pid]
            rehearsal.clear(same)
            lab.wait_until_up(phone)

    return put


def test_an_old_adbd_is_connected_again_at_once(phone: PhoneHandle, lab: Any, lab_environment: object) -> None:
    """Whoever asks for it finds the phone as it then is, and not in between."""

    def features() -> bytes:
        found: bytes = lab.adb("-s", phone.serial, "features").stdout
        return found

    assert b"shell_v2" in features()
    for _ in range(3):
        rehearsal.put_on(phone, "shell=v1")
        assert (adbserver.state(phone.serial), b"shell_v2" in features()) == ("device", False)
        rehearsal.clear(phone)
        assert (adbserver.state(phone.serial), b"shell_v2" in features()) == ("device", True)


@pytest.mark.parametrize("state", ["offline", "unauthorized", "connecting"])
def test_a_phone_that_was_lost_is_back_when_the_fault_is_cleared(
    phone: PhoneHandle, lab_environment: object, state: str
) -> None:
    rehearsal.put_on(phone, f"state={state}")
    rehearsal.clear(phone)
    assert adbserver.state(phone.serial) == "device"


def test_programs_and_folders(lab: Any, phone: PhoneHandle, on: Any) -> None:
    def shell(command: str) -> Any:
        return lab.adb("-s", phone.serial, "shell", command)

    with on("settings=refused", "df=missing", "date=-3600"):
        refused = shell("settings put global mine 1")
        assert refused.returncode == 255 and b"java.lang.SecurityException" in refused.stderr
        assert shell("settings get global mine").stdout == b"null\n"
        assert shell("df").returncode == 127
        assert int(shell("date +%s").stdout) < time.time() - 3000
    assert shell("settings put global mine 1; settings get global mine; settings delete global mine").returncode == 0
    assert shell("df -k /data").returncode == 0
    for mode, said in (
        ("unwritable", b"Permission denied"),
        ("absent", b"No such file"),
        ("readonly", b"Read-only"),
        ("noexec", b"can't execute: Permission denied"),
        ("root", b"Permission denied"),
    ):
        with on(f"work-folder={mode}"):
            done = shell(COPY)
            assert said in done.stderr and done.stdout != b"0\n", mode
    assert shell(f"{COPY}; rm {TMP}/*").stdout == b"0\n"
    with on("cpuset=0-3"):
        assert shell("nproc").stdout == b"4\n"
    with on("zone=blocks:cpu0-gold-usr"):
        read = "timeout 1 cat /sys/class/thermal/thermal_zone4/temp; echo $?"
        assert shell(read).stdout == b"124\n"
    with on("throttle=28"):
        shell("i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done")
        time.sleep(0.3)
        warm, clock = shell(
            "cat /sys/class/thermal/thermal_zone4/temp /sys/devices/system/cpu/cpufreq/policy4/scaling_max_freq"
        ).stdout.split()
        assert int(warm) > 28000 and int(clock) < 2803200
        spent = shell("cat /sys/devices/system/cpu/cpufreq/policy4/stats/time_in_state").stdout.split()
        assert sum(map(int, spent[1::2])) > 100 * len(spent[::2])  # of 100 ticks each at the start


def test_streams_and_states(lab: Any, phone: PhoneHandle, on: Any) -> None:
    def shell(command: str) -> bytes:
        out: bytes = lab.adb("-s", phone.serial, "shell", command).stdout
        return out

    with on("noise=N", "truncate=4@on:seq"):
        assert shell("seq 1 9") == b"N\n1\n2\n"
        assert shell("echo whole") == b"N\nwhole\n"
    with on("hang@for:1"):
        before = time.monotonic()
        assert shell("echo late") == b"late\n"
        assert time.monotonic() - before > 0.5
    with on("cut@after:3000"):
        assert len(shell("seq 1 9999")) < 3000
    for state in ("authorizing", "unauthorized", "offline"):
        with on(f"state={state}"):
            adbserver.wait_for(phone.serial, state, time.monotonic() + 5)
    with on("reboot=0@at:moo"):
        boot = shell("cat /proc/sys/kernel/random/boot_id")
        assert shell("echo moo; sleep 9; echo no") == b""
        lab.wait_until_up(phone)
        assert shell("cat /proc/sys/kernel/random/boot_id") != boot


def test_addresses_and_another_phone(lab: Any, phone: PhoneHandle, on: Any) -> None:
    def asked(serial: str, name: str) -> str:
        return str(lab.adb("-s", serial, "shell", f"getprop {name}").stdout.decode().strip())

    serialno = asked(phone.serial, "ro.serialno")
    with on("twin") as seen:
        assert [asked(serial, "ro.serialno") for serial in seen.serials] == [serialno] * 2
    with on("moved") as seen:
        (serial,) = seen.serials
        assert serial != phone.serial and asked(serial, "ro.serialno") == serialno
        with pytest.raises(InfrastructureError, match="no virtual phone"):
            rehearsal.find(phone.serial)
        assert rehearsal.find(serial).pid == phone.pid
    lab.shell(phone, f"echo mine > {TMP}/mine")
    with on("stranger=galaxy-s8"):
        lab.wait_until_up(phone)
        assert asked(phone.serial, "ro.product.model") == "SM-G950F"
        assert asked(phone.serial, "ro.serialno") != serialno
        assert lab.shell(phone, f"ls {TMP}") == ""
    assert lab.shell(phone, f"cat {TMP}/mine; rm {TMP}/mine") == "mine"
    assert asked(phone.serial, "ro.serialno") == serialno


def test_what_is_wrong_is_refused_before_anything_begins(phone: PhoneHandle, lab_environment: object) -> None:
    with pytest.raises(UsageError, match="no fault is called 'nosuch'"):
        rehearsal.put_on(phone, "battery=5", "nosuch")
    with pytest.raises(UsageError, match="no thermal zone of type 'nosuch'; none of those"):
        rehearsal.put_on(phone, "battery=5", "zone=off:nosuch")
    assert rehearsal.listing(phone).faults == ()
