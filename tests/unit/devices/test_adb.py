"""Who a phone is, what runs on it, its settings: against a small adb server with real shells behind it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.devices.adb import AdbDevice
from harness.devices.base import RemoteProcess
from harness.devices.local import LocalDevice
from harness.errors import (
    DeadlineExceeded,
    DeviceError,
    DeviceLost,
    WrongDevice,
)
from tests.unit.devices.machine import running, says, wait_for

pytestmark = pytest.mark.unit


@pytest.mark.usefixtures("true_proc")
def test_spawn_lives_on_in_its_own_session(
    device: AdbDevice, phone: Any, shell: str, tmp_path: Path, work: Path
) -> None:
    phone.shell = shell
    output = tmp_path / "output of it"
    text = "echo started; sleep 100 & echo $! >child; wait"
    process = device.spawn(["sh", "-c", text], cwd=str(work), output=str(output))
    assert wait_for(lambda: (work / "child").exists() and (work / "child").read_text())
    child = int((work / "child").read_text())
    assert device.alive(process)
    assert os.getsid(process.pid) == process.pid
    assert Path(f"/proc/{process.pid}/fd/1").readlink() == output
    assert output.read_text() == "started\n"
    later = RemoteProcess(process.pid, process.start_ticks + 1, process.boot_id)
    assert not device.alive(later)
    device.kill(later)  # the pid is another process's by now: hands off
    device.kill(RemoteProcess(process.pid, process.start_ticks, "another boot"))
    assert running(process.pid)
    device.kill(process)
    assert not running(process.pid)
    assert not running(child)
    assert not device.alive(process)
    device.kill(process)


@pytest.mark.usefixtures("true_proc")
def test_kill_finds_the_whole_family(device: AdbDevice, phone: Any, shell: str, work: Path) -> None:
    phone.shell = shell
    text = "sleep 100 & sleep 100 & setsid sleep 100 & setsid sh -c 'sleep 100 & sleep 100 & wait' & wait"
    process = device.spawn(["sh", "-c", text], cwd=str(work), output=str(work / "out"))

    def family() -> set[int]:
        found, stats = {process.pid}, {}
        for entry in Path("/proc").glob("[0-9]*/stat"):
            try:
                stats[int(entry.parent.name)] = int(entry.read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
        while more := {pid for pid, parent in stats.items() if parent in found} - found:
            found |= more
        return found

    assert wait_for(lambda: len(family()) == 7)
    members = family()
    device.kill(process)
    assert not any(map(running, members))


@pytest.mark.usefixtures("true_proc")
def test_programs_are_found_by_their_command_line(device: AdbDevice, phone: Any, fake_adb: Any, tmp_path: Path) -> None:
    arguments = ["-c", "import time; time.sleep(100)", f"{tmp_path}/mine", "two\nlines", "", "end"]
    process = device.spawn([sys.executable, *arguments], cwd=str(tmp_path), output=str(tmp_path / "out"))
    try:
        before = len(fake_adb.requests)
        found = [each for each in device.running(f"{tmp_path}/mine") if each.process.pid == process.pid]
        assert len(fake_adb.requests) - before == 2  # transport and shell
        assert [each.process for each in found] == [process]
        assert found[0].arguments == (sys.executable.encode(), *(word.encode() for word in arguments))
        assert [e for e in device.running(f"{tmp_path}/other") if e.process.pid == process.pid] == []
    finally:
        device.kill(process)


@pytest.mark.usefixtures("true_proc")
def test_kill_finds_the_session_after_its_leader_died(device: AdbDevice, tmp_path: Path, work: Path) -> None:
    process = device.spawn(
        ["sh", "-c", "sleep 100 & echo $! >child; exit"], cwd=str(work), output=str(tmp_path / "out")
    )
    assert wait_for(lambda: (work / "child").exists() and (work / "child").read_text())
    assert wait_for(lambda: not device.alive(process))
    child = int((work / "child").read_text())
    assert running(child)
    device.kill(process)
    assert not running(child)


def test_spawn_of_a_missing_program_and_folder(device: AdbDevice, tmp_path: Path, work: Path) -> None:
    process = device.spawn(["/no/such/program"], cwd=str(work), output=str(tmp_path / "out"))
    assert wait_for(lambda: not device.alive(process))
    assert "/no/such/program" in (tmp_path / "out").read_text()
    with pytest.raises(DeviceError, match="starting"):
        device.spawn(["sleep", "1"], cwd=str(tmp_path / "absent"), output=str(tmp_path / "out"))


def test_settings(device: AdbDevice) -> None:
    assert device.get_setting("global", "stay_on_while_plugged_in") is None
    device.put_setting("global", "stay_on_while_plugged_in", "7")
    assert device.get_setting("global", "stay_on_while_plugged_in") == "7"
    device.put_setting("global", "stay_on_while_plugged_in", None)
    assert device.get_setting("global", "stay_on_while_plugged_in") is None


@pytest.mark.parametrize(
    ("says", "value"),
    [
        ("echo 'WARNING: linker: libx.so: unused DT entry'; echo 3", "3"),
        ("echo; echo 3; printf '\\r\\n'", "3"),
        ("echo hello; echo null", None),
    ],
)
def test_a_setting_is_read_behind_noise(device: AdbDevice, phone: Any, says: str, value: str | None) -> None:
    (phone.root / "bin/settings").write_text(f"#!/bin/sh\n{says}\n")
    assert device.get_setting("global", "stay_on_while_plugged_in", like="[0-9]{1,2}") == value


@pytest.mark.parametrize("says", ["echo 'WARNING: linker'", "echo 3; echo 4", "echo 300", "echo", ":"])
def test_what_is_no_value_of_a_setting_is_refused(device: AdbDevice, phone: Any, says: str) -> None:
    (phone.root / "bin/settings").write_text(f"#!/bin/sh\n{says}\n")
    with pytest.raises(DeviceError, match="stay_on_while_plugged_in: no"):
        device.get_setting("global", "stay_on_while_plugged_in", like="[0-9]{1,2}")


def test_a_refused_setting_is_told_in_one_line(device: AdbDevice, phone: Any) -> None:
    stack = "\n".join(
        [
            "Exception occurred while executing 'put':",
            "java.lang.SecurityException: Permission denial: writing to settings requires WRITE_SECURE_SETTINGS",
            *["\tat android.os.Parcel.createExceptionOrNull(Parcel.java:2426)"] * 10,
        ]
    )
    (phone.root / "bin/settings").write_text(f"#!/bin/sh\ncat >&2 <<'E'\n{stack}\nE\nexit 255\n")
    with pytest.raises(DeviceError) as caught:
        device.put_setting("global", "stay_on_while_plugged_in", "7")
    assert caught.value.message == (
        "settings put global stay_on_while_plugged_in: exit code 255: java.lang.SecurityException: "
        "Permission denial: writing to settings requires WRITE_SECURE_SETTINGS"
    )


@pytest.mark.usefixtures("true_proc")
def test_a_setting_that_never_answers_has_its_own_time(device: AdbDevice, phone: Any) -> None:
    (phone.root / "bin/settings").write_text("#!/bin/sh\nsleep 600\n")
    began = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        device.get_setting("global", "stay_on_while_plugged_in", deadline_s=0.3)
    assert time.monotonic() - began < 10


def test_identity(device: AdbDevice, phone: Any, fake_adb: Any) -> None:
    phone.properties |= {"ro.product.model": "<script>alert(1)</script>", "ro.boot.qemu": "1", "odd": "two\nlines"}
    phone.write_programs()
    identity = device.identity
    assert (identity.model, identity.soc, identity.android, identity.sdk) == (
        "<script>alert(1)</script>",
        "SDM845",
        "12",
        31,
    )
    assert identity.abis == ("arm64-v8a", "armeabi-v7a", "armeabi")
    assert identity.emulated and identity.kind == "adb" and identity.host == fake_adb.address
    assert identity.kernel == os.uname().release
    assert identity.page_size == os.sysconf("SC_PAGE_SIZE")
    assert identity.boot_id == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    before = len(fake_adb.requests)
    assert device.identity is identity
    assert len(fake_adb.requests) == before


def test_looking_around_starts_few_processes_however_many_run_on_the_phone(
    device: AdbDevice, phone: Any, work: Path, tmp_path: Path, need_tool: Any
) -> None:
    assert device.identity
    log = tmp_path / "started"
    for name in ("cat", "grep", "taskset", "sleep"):
        (phone.root / "bin" / name).write_text(f'#!/bin/sh\necho {name} >>{log}\nexec {need_tool(name)} "$@"\n')
        (phone.root / "bin" / name).chmod(0o755)

    def started(call: Callable[[], object]) -> list[str]:
        log.write_text("")
        call()
        return sorted(log.read_text().split())

    assert started(device.topology) == ["grep", "taskset"]
    looked = started(lambda: device.running(f"{work}/harness-"))
    assert looked.count("grep") == 1
    assert len(looked) < 8  # and a cat for each that was found: the look itself
    process = device.spawn(["sh", "-c", "sleep 100 & wait"], cwd=str(work), output=str(work / "out"))
    assert len(started(lambda: device.kill(process))) < 12


def test_topology_is_of_the_phone_and_within_the_affinity_mask(device: AdbDevice, fake_adb: Any) -> None:
    assert device.identity
    before = len(fake_adb.requests)
    topology = device.topology()
    assert len(fake_adb.requests) - before == 2  # transport and shell
    assert topology == LocalDevice().topology()
    assert topology.allowed == tuple(sorted(os.sched_getaffinity(0)))
    assert set(topology.allowed) <= {cpu for cluster in topology.clusters for cpu in cluster.cpus}


def become(phone: Any, serialno: str, android_id: str | None) -> None:
    """That phone is behind the address from now on; None: its settings tell no android_id."""
    phone.properties["ro.serialno"] = serialno
    phone.write_programs()
    file = phone.root / "settings-secure-android_id"
    if android_id is None:
        file.unlink(missing_ok=True)
    else:
        file.write_text(f"{android_id}\n")


FIRST_ID, SECOND_ID = "0a1b2c3d4e5f6071", "f1e2d3c4b5a69788"


@pytest.mark.parametrize("serialno", ["unknown", "8A9X0B1C2"])
def test_a_phone_told_by_its_android_id_alone_is_asked_for_it_again(
    device: AdbDevice, phone: Any, serialno: str
) -> None:
    become(phone, serialno, FIRST_ID)
    assert device.identity.second_mark
    device.shares_its_number()
    device.confirm()
    become(phone, serialno, SECOND_ID)
    with pytest.raises(WrongDevice, match="another phone answers at PHONE1"):
        device.confirm()
    become(phone, serialno, None)
    with pytest.raises(DeviceLost, match="no android_id"):
        device.confirm()


def test_a_phone_that_tells_nothing_is_not_confirmed(device: AdbDevice, phone: Any) -> None:
    assert device.identity.serialno == "ABC"
    (phone.root / "properties").write_text("")
    with pytest.raises(DeviceLost, match="getprop gives nothing"):
        device.confirm()


def test_a_phone_known_by_its_address_is_the_same_until_it_starts_anew(device: AdbDevice, phone: Any) -> None:
    become(phone, "unknown", None)
    known = device.identity
    device.confirm()
    become(phone, "unknown", FIRST_ID)  # its settings had hung
    device.confirm()
    device._identity = replace(known, boot_id="another boot")
    with pytest.raises(WrongDevice):
        device.confirm()


@pytest.mark.parametrize("mask", [b",", b"f" * 9000, b"0x", b""])
def test_a_mask_that_is_none_limits_nothing(device: AdbDevice, phone: Any, mask: bytes) -> None:
    says(phone, "taskset", b"pid 7's current affinity mask: " + mask + b"\n")
    assert device.topology().allowed
