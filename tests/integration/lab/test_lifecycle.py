"""Phones coming and going, and what a test may do to them."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import InfrastructureError, UsageError
from harness.lab import adbserver, controls, manager
from harness.lab.manager import PhoneHandle

pytestmark = pytest.mark.integration

Adb = Callable[..., subprocess.CompletedProcess[bytes]]
MakePhone = Callable[..., PhoneHandle]

BOOT_ID = "cat /proc/sys/kernel/random/boot_id"


def processes_of(phone: PhoneHandle) -> list[str]:
    """Processes whose users are the phone's, and its supervisor: number, state and what each waits in.

    A zombie has ended: when it goes is the machine's process 1 to say, which may look every few seconds only.
    """
    base = 0x40000000 + (phone.port - 6001) * 65536
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                owner = folder.stat().st_uid
                command = (folder / "cmdline").read_bytes()
                state = (folder / "stat").read_bytes().rpartition(b")")[2].split()[0].decode()
                waits = (folder / "wchan").read_text()
            except OSError:
                continue
            if state != "Z" and (base <= owner < base + 65536 or os.fsencode(phone.root) in command):
                found.append(f"{folder.name} {state} {waits}")
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_two_of_one_model_are_told_apart_and_down_leaves_nothing(
    lab: Any, lab_environment: dict[str, str], adb: Adb
) -> None:
    phones = manager.up(["pixel-3", "pixel-3"], say=lambda _: None)
    serialnos = {adb(phone, "shell", "getprop ro.serialno").stdout for phone in phones}
    assert len(serialnos) == 2
    listing = lab.adb("devices").stdout.decode()
    assert all(f"{phone.serial}\tdevice" in listing for phone in phones)
    assert {phone.serial for phone in phones} <= {phone.serial for phone in manager.list_phones()}
    adb(phones[0], "shell", "sleep 60 >/dev/null 2>&1 </dev/null &")
    assert len(processes_of(phones[0])) >= 4
    manager.down([phone.serial for phone in phones])
    assert [pid for phone in phones for pid in processes_of(phone)] == []
    assert not any(phone.root.exists() for phone in phones)
    assert str(phones[0].root) not in Path("/proc/mounts").read_text()
    assert all(adbserver.state(phone.serial) == "" for phone in phones)


def test_reboot(lab: Any, make_phone: MakePhone, adb: Adb) -> None:
    phone = make_phone()
    before = adb(phone, "shell", BOOT_ID).stdout
    adb(phone, "shell", "settings put global kept yes; echo kept > /data/local/tmp/kept")
    adb(phone, "shell", "setsid sleep 60 >/dev/null 2>&1 </dev/null &")
    adb(phone, "reboot")
    lab.wait_until_up(phone)
    after = adb(phone, "shell", BOOT_ID).stdout
    assert before != after
    assert len(after) == 37
    assert adb(phone, "shell", "settings get global kept; cat /data/local/tmp/kept").stdout == b"yes\nkept\n"
    assert b"sleep" not in adb(phone, "shell", "ps -o args").stdout
    assert float(adb(phone, "shell", "cat /proc/uptime").stdout.split()[0]) < 30


def test_reboot_from_the_phone_s_own_shell(lab: Any, make_phone: MakePhone, adb: Adb) -> None:
    phone = make_phone()
    before = adb(phone, "shell", BOOT_ID).stdout
    adb(phone, "shell", "reboot; sleep 5")
    lab.wait_until_up(phone)
    assert adb(phone, "shell", BOOT_ID).stdout != before


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "$(reboot)", "a;features=x,b"])
def test_a_nasty_model_name_does_no_harm(make_phone: MakePhone, adb: Adb, name: str) -> None:
    phone = make_phone(properties={"ro.product.model": name})
    boot = adb(phone, "shell", BOOT_ID).stdout
    assert adb(phone, "shell", "getprop ro.product.model").stdout.decode() == name + "\n"
    assert adb(phone, "shell", "echo still there").stdout == b"still there\n"
    assert adb(phone, "shell", BOOT_ID).stdout == boot


def test_temperatures_and_clocks(make_phone: MakePhone, adb: Adb) -> None:
    phone = make_phone("pixel-2-xl")
    controls.set_temperature(phone, 41.5)
    temp = "/sys/class/thermal/thermal_zone0/temp"
    assert adb(phone, "shell", f"cat {temp}").stdout == b"415\n"  # tenths of a degree on this model
    assert b"  temperature: 415\n" in adb(phone, "shell", "dumpsys battery").stdout
    controls.set_temperature(phone, 12.0, "tsens_tz_sensor1")
    assert adb(phone, "shell", f"cat {temp}").stdout == b"120\n"
    controls.set_frequency(phone, 4, 1056000)
    assert adb(phone, "shell", "cat /sys/devices/system/cpu/cpu5/cpufreq/scaling_cur_freq").stdout == b"1056000\n"
    assert b"Can't find service" in adb(phone, "shell", "dumpsys thermalservice").stderr  # Android 8 has none


def test_offline(lab: Any, make_phone: MakePhone, adb: Adb) -> None:
    phone = make_phone()
    adb(phone, "shell", "setsid sleep 60 >/dev/null 2>&1 </dev/null &")
    boot = adb(phone, "shell", BOOT_ID).stdout
    controls.take_offline(phone, 1.0)
    time.sleep(0.3)
    assert adbserver.state(phone.serial) == "offline"
    assert adb(phone, "shell", "true").returncode != 0
    with pytest.raises(InfrastructureError):
        adbserver.connect(phone.serial)
    time.sleep(1.0)
    lab.wait_until_up(phone)
    assert adb(phone, "shell", BOOT_ID).stdout == boot
    assert b"sleep 60" in adb(phone, "shell", "ps -o args").stdout


def test_a_phone_that_is_away_keeps_its_port(
    make_phone: MakePhone, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    away = make_phone()
    controls.take_offline(away, 3.0)
    with monkeypatch.context() as patch:
        patch.setattr(manager, "FIRST_PORT", away.port)
        patch.setenv("XDG_STATE_HOME", str(tmp_path))  # as another user of the lab
        other = manager.up(["pixel-3"], say=lambda _: None)[0]
        manager.down([other.serial])
    assert other.port > away.port


@pytest.mark.parametrize("lab", ["wheel", "PATH"], indirect=True)
def test_dropped_connection_comes_back(lab: Any, make_phone: MakePhone) -> None:
    """The client ends at once without the command's end; its exit code then depends on its version (29: 0)."""
    phone = make_phone()
    client = lab.client(phone, "echo begun; sleep 30; echo ended")
    assert client.stdout.readline() == b"begun\n"
    controls.drop_connection(phone)
    assert client.communicate(timeout=10)[0] == b""
    adbserver.wait_for(phone.serial, "device", time.monotonic() + 15)


def test_without_shell_v2(lab: Any, make_phone: MakePhone, adb: Adb) -> None:
    phone = make_phone(shell_v2=False)
    features = adb(phone, "features").stdout.split()
    assert b"stat_v2" in features
    assert b"shell_v2" not in features
    done = adb(phone, "shell", "echo out; echo err >&2; exit 3")
    assert (done.returncode, done.stdout) == (0, b"out\nerr\n")
    controls.set_shell_v2(phone, True)
    lab.wait_until_up(phone)
    assert adb(phone, "shell", "exit 3").returncode == 3


def test_unauthorized(lab: Any, make_phone: MakePhone, adb: Adb) -> None:
    phone = make_phone(authorized=False)
    assert adbserver.state(phone.serial) == "unauthorized"
    assert b"unauthorized" in adb(phone, "shell", "true").stderr
    controls.set_authorized(phone, True)
    lab.wait_until_up(phone)


def test_disk_full(make_phone: MakePhone, adb: Adb, tmp_path: Path) -> None:
    phone = make_phone(disk_bytes=1 << 20)
    source = tmp_path / "big"
    source.write_bytes(bytes(3 << 20))
    done = adb(phone, "push", str(source), "/data/local/tmp/big")
    assert done.returncode != 0
    assert b"No space left on device" in done.stdout + done.stderr
    assert adb(phone, "shell", "ls /data/local/tmp").stdout == b""
    controls.set_disk_size(phone, 16 << 20)
    assert adb(phone, "push", str(source), "/data/local/tmp/big").returncode == 0


def test_a_crashed_phone_is_cleaned_up(make_phone: MakePhone) -> None:
    phone = make_phone()
    os.kill(phone.pid, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while processes_of(phone) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert processes_of(phone) == []
    assert phone.serial not in [other.serial for other in manager.list_phones()]
    assert not phone.root.exists()


def test_a_phone_whose_folder_is_removed_ends(make_phone: MakePhone) -> None:
    phone = make_phone()
    shutil.rmtree(phone.root)
    deadline = time.monotonic() + 30
    while processes_of(phone) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert processes_of(phone) == []


def test_a_phone_boots_again_when_its_adbd_dies(lab: Any, make_phone: MakePhone, adb: Adb) -> None:
    phone = make_phone()
    before = adb(phone, "shell", BOOT_ID).stdout
    adb(phone, "shell", "kill -9 2")  # user shell may: adbd runs as shell
    lab.wait_until_up(phone)
    assert adb(phone, "shell", BOOT_ID).stdout != before


def test_nine_cpus(make_phone: MakePhone, adb: Adb, affinity_program: Path) -> None:
    phone = make_phone("pixel-8")
    adb(phone, "push", str(affinity_program), "/data/local/tmp/affinity")
    lines = adb(phone, "shell", "/data/local/tmp/affinity 8 9").stdout.splitlines()
    assert lines[:3] == [b"start allowed=9", b"set 8 errno=0 cpu=8 allowed=1", b"set 9 errno=EINVAL cpu=8 allowed=1"]


def test_unplugged_cpus(make_phone: MakePhone, adb: Adb, affinity_program: Path) -> None:
    phone = make_phone()
    adb(phone, "push", str(affinity_program), "/data/local/tmp/affinity")
    controls.set_online(phone, "0-6")
    assert adb(phone, "shell", "cat /sys/devices/system/cpu/online").stdout == b"0-6\n"
    assert adb(phone, "shell", "cat /sys/devices/system/cpu/cpu7/online").stdout == b"0\n"
    lines = adb(phone, "shell", "/data/local/tmp/affinity 6 7").stdout.splitlines()
    assert lines[:3] == [b"start allowed=7", b"set 6 errno=0 cpu=6 allowed=1", b"set 7 errno=EINVAL cpu=6 allowed=1"]
    controls.set_online(phone, "0-7")
    assert b"set 7 errno=0 cpu=7 allowed=1" in adb(phone, "shell", "/data/local/tmp/affinity 7").stdout


def test_without_an_adb_server_nothing_stays(
    lab_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", str(free_port()))
    monkeypatch.setenv("ADBUTILS_ADB_PATH", str(tmp_path / "none"))
    with pytest.raises(InfrastructureError, match="no adb server"):
        manager.up(["pixel-3"], say=lambda _: None)
    assert manager.list_phones() == []


def test_a_port_in_use_is_left_alone(make_phone: MakePhone, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        monkeypatch.setattr(manager, "FIRST_PORT", taken)
        monkeypatch.setattr(manager, "LAST_PORT", taken + 20)
        assert make_phone(port=None).port > taken  # the tool finds one itself


def test_missing_tools_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda name, path: None if name in ("mksh", "toybox") else f"/bin/{name}")
    with pytest.raises(InfrastructureError, match="mksh, toybox") as caught:
        manager.up(["pixel-3"], say=lambda _: None)
    assert caught.value.remedy == "Run: apt-get install -y qemu-user-static mksh toybox busybox-static"


def test_root_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(InfrastructureError, match="need root"):
        manager.up(["pixel-3"], say=lambda _: None)


def test_unknown_names(lab_environment: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="pixel-9000"):
        manager.up(["pixel-9000"], say=lambda _: None)
    with pytest.raises(InfrastructureError, match=r"127\.0\.0\.1:1"):
        manager.down(["127.0.0.1:1"])


def test_what_the_host_ignores_the_phone_does_not(make_phone: MakePhone, adb: Adb) -> None:
    """As under nohup (SIGHUP) and in a shell's background (SIGINT, SIGQUIT)."""
    numbers = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        phone = make_phone()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    for number in numbers:
        done = adb(phone, "shell", f"sh -c 'kill -{number} $$; echo ignored'; echo $?")
        assert done.stdout.split() == [str(128 + number).encode()], number
