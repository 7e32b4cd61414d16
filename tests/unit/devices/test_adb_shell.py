"""Programs of a phone against a small adb server with real shells behind it."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from harness.devices.adb import AdbDevice
from harness.errors import (
    DeadlineExceeded,
    DeviceError,
    DeviceLost,
    TransientError,
)
from tests.unit.devices.machine import running

pytestmark = pytest.mark.unit

NASTY = ["$(touch owned)", "`id`", "a'b", 'a"b', "a b", "", "*", "-n", "x;y", "\\n", "<script>", "ä€", "two\nlines"]


def test_arguments_reach_the_program_unchanged(device: AdbDevice, phone: Any, shell: str) -> None:
    phone.shell = shell
    done = device.run(
        ["python3", "-c", "import sys; sys.stdout.buffer.write('\\0'.join(sys.argv[1:]).encode())", *NASTY]
    )
    assert done.stdout.decode().split("\0") == NASTY


def test_exit_code_and_both_outputs(device: AdbDevice, phone: Any, shell: str) -> None:
    phone.shell = shell
    done = device.run(["sh", "-c", "echo out; echo err >&2; exit 7"])
    assert (done.code, done.stdout, done.stderr) == (7, b"out\n", b"err\n")
    assert device.run(["sh", "-c", "kill -SEGV $$"]).code == 128 + 11
    assert device.run(["no-such-program"]).code == 127


def test_stdin_and_much_output_at_once(device: AdbDevice) -> None:
    data = os.urandom(3_000_000)
    assert device.run(["cat"], stdin=data).stdout == data


def test_without_stdin_a_program_sees_its_end(device: AdbDevice) -> None:
    assert device.run(["cat"], deadline_s=10).stdout == b""


@pytest.mark.usefixtures("true_proc")
def test_total_deadline_kills_the_program_and_its_children(
    device: AdbDevice, phone: Any, shell: str, tmp_path: Path
) -> None:
    phone.shell = shell
    pids = tmp_path / "pids"
    # prints all the time: a deadline per read would never come
    text = f"sleep 100 & echo $! $$ >{pids}; while :; do echo tick; sleep 0.05; done"
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded, match=r"sh took longer than 1 s and was stopped"):
        device.run(["sh", "-c", text], deadline_s=1)
    assert time.monotonic() - started < 15
    for pid in pids.read_text().split():
        assert not running(int(pid))


def test_lost_connection_is_told_from_a_failed_command(device: AdbDevice, phone: Any, fake_adb: Any) -> None:
    phone.drop_shell = True
    with pytest.raises(DeviceLost, match="PHONE1: connection lost while running a command"):
        device.run(["echo", "x"])
    phone.drop_shell = False
    del fake_adb.phones["PHONE1"]
    with pytest.raises(DeviceLost, match="not found"):
        device.run(["echo", "x"])
    fake_adb.shutdown()
    fake_adb.server_close()
    with pytest.raises(DeviceLost, match="adb server"):
        device.run(["echo", "x"])


@pytest.mark.parametrize(
    "refusal",
    [
        "device offline",
        "device still authorizing",
        "device still connecting",
        "device unauthorized.\nThis adb server's $ADB_VENDOR_KEYS is not set\nTry 'adb kill-server'",
        "device 'PHONE1' not found",
        "insufficient permissions for device: verify udev rules",
        "closed",
    ],
)
def test_every_way_a_connection_can_be_gone_is_the_same_loss(device: AdbDevice, phone: Any, refusal: str) -> None:
    phone.refusal = refusal
    for call in (lambda: device.run(["echo"]), lambda: device.pull("/proc/version", Path("/dev/null"))):
        with pytest.raises(DeviceLost) as lost:
            call()
        assert refusal.partition("\n")[0] in lost.value.message
        assert "\n" not in lost.value.message
        assert ("accept its question" in lost.value.remedy) == ("authoriz" in refusal)


def test_what_stays_wrong_is_no_loss(device: AdbDevice, phone: Any) -> None:
    phone.refusal = "more than one device/emulator"
    with pytest.raises(DeviceError) as stable:
        device.run(["echo"])
    assert not isinstance(stable.value, TransientError)


@pytest.mark.parametrize("name", ["sh", "mksh"])  # Debian's busybox sh takes its own grep, which ends at a NUL
def test_a_stream_that_hangs_is_a_loss_and_its_program_is_killed(
    device: AdbDevice, phone: Any, tmp_path: Path, need_tool: Any, name: str
) -> None:
    phone.shell, phone.silent = need_tool(name), "all"
    text = f"setsid sleep 100 & echo $! $$ >{tmp_path}/pids; sleep 100"
    with pytest.raises(DeviceLost, match="the connection hangs, the program was stopped"):
        device.run(["sh", "-c", text], deadline_s=1)
    for pid in (tmp_path / "pids").read_text().split():
        assert not running(int(pid))


@pytest.mark.usefixtures("true_proc")
def test_a_program_that_hangs_is_no_loss(device: AdbDevice) -> None:
    with pytest.raises(DeadlineExceeded, match=r"sleep took longer than 0\.5 s and was stopped"):
        device.run(["sleep", "100"], deadline_s=0.5)


@pytest.mark.parametrize("silent", ["all", "end"])
def test_an_answer_that_never_comes_of_a_program_that_has_ended(device: AdbDevice, phone: Any, silent: str) -> None:
    phone.silent = silent
    with pytest.raises(DeviceLost, match="the connection hangs, the program had ended"):
        device.run(["echo", "x"], deadline_s=0.5)
    assert device.run(["echo", "x"]).text == "x\n"


@pytest.mark.usefixtures("true_proc")
def test_what_a_shell_says_before_a_command_is_no_output_of_it(device: AdbDevice, phone: Any, work: Path) -> None:
    phone.noise = "echo WARNING: linker: unused DT entry; echo -n more; "
    assert device.run(["echo", "x"]).text == "x\n"
    (work / "file").write_text("")
    assert device.list_dir(str(work)) == ("file",)
    assert device.topology().clusters
    process = device.spawn(["sleep", "100"], cwd=str(work), output=str(work / "out"))
    device.kill(process)
    assert not running(process.pid)


def test_an_answer_without_its_beginning_is_a_loss(device: AdbDevice, phone: Any) -> None:
    phone.noise = "exit 0; "
    with pytest.raises(DeviceLost, match="lacks its beginning"):
        device.run(["echo", "x"])


def test_what_a_shell_says_at_its_start_is_no_output_of_a_script(
    device: AdbDevice, phone: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = (phone.root / "bin/sh").resolve() if (phone.root / "bin/sh").exists() else Path("/bin/sh")
    (phone.root / "bin/sh").unlink(missing_ok=True)
    (phone.root / "bin/sh").write_text(f'#!{real}\necho "WARNING: linker: noise"; exec {real} "$@"\n')
    (phone.root / "bin/sh").chmod(0o755)
    file = tmp_path / "file"
    file.write_text("first\n")
    assert device.read_files([str(file), str(tmp_path / "absent")]) == {
        str(file): b"first\n",
        str(tmp_path / "absent"): None,
    }
    assert device.identity.model == "Pixel 3"
    assert device.identity.kernel == os.uname().release
    assert device.free_bytes(str(tmp_path)) > 0
