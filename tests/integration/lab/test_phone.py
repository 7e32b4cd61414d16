"""What a phone is to an adb client: commands, files, properties, the CPUs it shows."""

import os
import re
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from harness.lab.manager import PhoneHandle

pytestmark = pytest.mark.integration

Adb = Callable[..., subprocess.CompletedProcess[bytes]]

CPU = "/sys/devices/system/cpu"


def text(done: subprocess.CompletedProcess[bytes]) -> str:
    assert done.returncode == 0, done
    return done.stdout.decode().strip()


def test_properties(adb: Adb, pixel: PhoneHandle) -> None:
    assert text(adb(pixel, "shell", "getprop ro.product.model")) == "Pixel 3"
    assert text(adb(pixel, "shell", "getprop ro.boot.qemu")) == "1"
    assert text(adb(pixel, "shell", "getprop no.such.thing fallback")) == "fallback"
    listing = text(adb(pixel, "shell", "getprop"))
    assert "[sys.boot_completed]: [1]" in listing
    assert text(adb(pixel, "shell", "setprop debug.mine 'a b' && getprop debug.mine")) == "a b"
    assert adb(pixel, "shell", "setprop ro.product.model x").returncode == 1


@pytest.mark.parametrize("code", [0, 1, 7, 255])
def test_exit_code(adb: Adb, pixel: PhoneHandle, code: int) -> None:
    assert adb(pixel, "shell", f"exit {code}").returncode == code


def test_killed_by_signal(adb: Adb, pixel: PhoneHandle) -> None:
    assert adb(pixel, "shell", "kill -9 $$").returncode == 128 + 9


def test_outputs_are_apart(adb: Adb, pixel: PhoneHandle) -> None:
    done = adb(pixel, "shell", "echo out; echo err >&2; exit 3")
    assert (done.stdout, done.stderr, done.returncode) == (b"out\n", b"err\n", 3)


def test_stdin_reaches_the_command_and_ends(adb: Adb, pixel: PhoneHandle) -> None:
    data = os.urandom(300_000)
    assert adb(pixel, "shell", "cat", stdin=data).stdout == data


def test_exec_out_is_binary(adb: Adb, pixel: PhoneHandle) -> None:
    assert adb(pixel, "exec-out", "printf 'a\\r\\n\\0b'").stdout == b"a\r\n\0b"


def test_terminal(adb: Adb, pixel: PhoneHandle) -> None:
    done = adb(pixel, "shell", "-tt", "tty; echo $TERM; stty size")
    assert b"/dev/pts/" in done.stdout


def test_runs_as_shell(adb: Adb, pixel: PhoneHandle) -> None:
    assert text(adb(pixel, "shell", "id -u")) == "2000"
    assert adb(pixel, "root").stdout.startswith(b"adbd cannot run as root")
    assert b"Read-only" in adb(pixel, "shell", "echo x > /system/bin/x").stderr
    assert b"Permission denied" in adb(pixel, "shell", "ls /data").stderr


def test_push_and_pull(adb: Adb, pixel: PhoneHandle, tmp_path: Path) -> None:
    data = os.urandom(5_000_000)
    source, back = tmp_path / "source.bin", tmp_path / "back.bin"
    source.write_bytes(data)
    source.chmod(0o755)
    target = "/data/local/tmp/a folder/source.bin"
    assert adb(pixel, "push", str(source), target).returncode == 0
    assert text(adb(pixel, "shell", f"stat -c '%s %a %U' '{target}'")) == "5000000 777 shell"  # adbd widens the mode
    assert adb(pixel, "pull", target, str(back)).returncode == 0
    assert back.read_bytes() == data
    assert "a folder" in text(adb(pixel, "ls", "/data/local/tmp"))
    adb(pixel, "shell", "rm -r '/data/local/tmp/a folder'")


def test_push_where_it_must_not(adb: Adb, pixel: PhoneHandle, tmp_path: Path) -> None:
    source = tmp_path / "x"
    source.write_bytes(b"x" * 200_000)
    done = adb(pixel, "push", str(source), "/system/bin/x")
    assert done.returncode != 0
    assert b"Read-only file system" in done.stdout + done.stderr
    done = adb(pixel, "pull", "/data/local/tmp/absent", str(tmp_path / "y"))
    assert done.returncode != 0


@pytest.mark.parametrize("value", ["60000", "a b", "$(reboot)", "<script>alert(1)</script>", "ünï", "'", '"'])
def test_settings_round_trip(adb: Adb, pixel: PhoneHandle, value: str) -> None:
    quoted = "'" + value.replace("'", "'\\''") + "'"
    assert adb(pixel, "shell", f"settings put global mine {quoted}").returncode == 0
    assert text(adb(pixel, "shell", "settings get global mine")) == value
    assert (pixel.root / "settings" / "global" / "mine").read_text() == value
    assert "1 rows" in text(adb(pixel, "shell", "settings delete global mine"))
    assert text(adb(pixel, "shell", "settings get global mine")) == "null"
    assert adb(pixel, "shell", "settings get nowhere mine").returncode != 0


def test_stay_awake(adb: Adb, pixel: PhoneHandle) -> None:
    key = "global stay_on_while_plugged_in"
    before = text(adb(pixel, "shell", f"settings get {key}"))
    adb(pixel, "shell", "svc power stayon true")
    assert text(adb(pixel, "shell", f"cmd settings get {key}")) == "7"
    adb(pixel, "shell", f"settings put {key} {before}")


def test_dumpsys(adb: Adb, pixel: PhoneHandle) -> None:
    assert re.search(r"^  temperature: 270$", text(adb(pixel, "shell", "dumpsys battery")), re.MULTILINE)
    heat = text(adb(pixel, "shell", "dumpsys thermalservice"))
    assert "Thermal Status: 0" in heat
    sensors = re.findall(r"Temperature\{mValue=(\d+\.\d), mType=0, mName=cpu\d-(?:silver|gold)-usr, ", heat)
    assert len(sensors) == 8 and all(29.8 <= float(celsius) <= 30.2 for celsius in sensors)


def test_programs_change_the_state_they_show(adb: Adb, pixel: PhoneHandle) -> None:
    def shell(command: str) -> str:
        return text(adb(pixel, "shell", command))

    assert "mWakefulness=Awake" in shell("dumpsys power")
    assert "mWakefulness=Asleep" in shell("input keyevent KEYCODE_SLEEP; dumpsys power")
    assert "mWakefulness=Awake" in shell("input keyevent 224; dumpsys power")
    assert "  USB powered: false" in shell("cmd battery unplug; dumpsys battery")
    assert "  level: 12" in shell("dumpsys battery set level 12; dumpsys battery")
    assert {"  USB powered: true", "  level: 85"} <= set(shell("cmd battery reset; dumpsys battery").splitlines())
    assert "Thermal Status: 3" in shell("cmd thermalservice override-status 3; dumpsys thermalservice")
    assert "Thermal Status: 0" in shell("cmd thermalservice reset; dumpsys thermalservice")
    assert "thermalservice" in shell("cmd -l")
    assert shell("uname -m") == "aarch64"
    unknown = adb(pixel, "shell", "cmd no_such_service")
    assert (unknown.returncode, unknown.stderr) == (20, b"cmd: Can't find service: no_such_service\n")


def test_kernel_files(adb: Adb, pixel: PhoneHandle) -> None:
    names = ["possible", "cpu4/cpu_capacity", "cpufreq/policy4/related_cpus", "cpu7/cpufreq/cpuinfo_max_freq"]
    names += ["cpu0/regs/identification/midr_el1", "cpu7/regs/identification/midr_el1", "cpu4/cache/index2/size"]
    lines = text(adb(pixel, "shell", "cat " + " ".join(f"{CPU}/{name}" for name in names))).splitlines()
    expected = ["0-7", "1024", "4 5 6 7", "2803200", "0x00000000517f803c", "0x00000000516f802d", "256K"]
    assert lines == expected
    denied = adb(pixel, "shell", f"cat {CPU}/cpufreq/policy4/cpuinfo_cur_freq")
    assert denied.returncode == 1
    assert b"Permission denied" in denied.stderr
    cpuinfo = text(adb(pixel, "shell", "cat /proc/cpuinfo"))
    assert len(re.findall("^processor", cpuinfo, re.MULTILINE)) == 8
    assert "CPU part\t: 0x802" in cpuinfo
    assert float(text(adb(pixel, "shell", "cat /proc/uptime")).split()[0]) < 600


def test_no_process_of_the_host_is_seen(adb: Adb, pixel: PhoneHandle) -> None:
    lines = text(adb(pixel, "shell", "ps -o pid,args")).splitlines()[1:]
    assert [line.split(None, 1)[1] for line in lines[:2]] == ["init", "adbd"]
    assert "python" not in "".join(lines)


def test_affinity_of_an_arm64_program(adb: Adb, pixel: PhoneHandle, affinity_program: Path) -> None:
    target = "/data/local/tmp/affinity"
    assert adb(pixel, "push", str(affinity_program), target).returncode == 0
    lines = text(adb(pixel, "shell", f"{target} 4 7 8 9")).splitlines()
    assert lines == [
        "start allowed=8",
        "set 4 errno=0 cpu=4 allowed=1",
        "set 7 errno=0 cpu=7 allowed=1",
        "set 8 errno=EINVAL cpu=7 allowed=1",
        "set 9 errno=EINVAL cpu=7 allowed=1",
        "thread allowed=1 cpu=7",
        "child allowed=1 parent=1 init=8",
    ]
    assert text(adb(pixel, "shell", f"taskset 30 {target}")).splitlines()[0] == "start allowed=2"
    assert text(adb(pixel, "shell", "nproc")) == "8"
    adb(pixel, "shell", f"rm {target}")


def test_many_shells_at_once(adb: Adb, pixel: PhoneHandle) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda i: text(adb(pixel, "shell", f"sleep 0.2; echo {i}")), range(16)))
    assert answers == [str(i) for i in range(16)]


def test_large_output(adb: Adb, pixel: PhoneHandle) -> None:
    assert len(adb(pixel, "shell", "dd if=/dev/zero bs=1048576 count=20 2>/dev/null").stdout) == 20 << 20


def test_hang_up(lab: Any, adb: Adb, pixel: PhoneHandle) -> None:
    """As with adbd, the shell hears SIGHUP; a program in a session of its own lives on."""
    command = "setsid sleep 51 >/dev/null 2>&1 </dev/null & exec sleep 52"
    client = lab.client(pixel, command)

    def programs_once(wanted: Callable[[str], bool]) -> str:
        """The programs when they are as wanted, or after half a minute: a busy host is slow."""
        deadline = time.monotonic() + 30
        while True:
            found = text(adb(pixel, "shell", "ps -o args"))
            if wanted(found) or time.monotonic() > deadline:
                return found

    found = programs_once(lambda found: "sleep 51" in found and "sleep 52" in found)
    assert "sleep 51" in found and "sleep 52" in found
    client.kill()
    client.communicate()
    found = programs_once(lambda found: "sleep 52" not in found)
    assert "sleep 51" in found
    assert "sleep 52" not in found
    adb(pixel, "shell", "pkill -f 'sleep 51'")
