"""The adb device against a small adb server with real shells behind it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.devices import adb
from harness.devices.adb import AdbDevice
from harness.devices.base import RemoteProcess
from harness.devices.local import LocalDevice
from harness.devices.transport import CommandTimedOut
from harness.errors import (
    DeadlineExceeded,
    DeviceError,
    DeviceLost,
    InfrastructureError,
    TransientError,
    WrongDevice,
)

pytestmark = pytest.mark.unit

NASTY = ["$(touch owned)", "`id`", "a'b", 'a"b', "a b", "", "*", "-n", "x;y", "\\n", "<script>", "ä€", "two\nlines"]


def wait_for(condition: Any, seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return bool(condition())


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


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


def test_a_program_that_hangs_is_no_loss(device: AdbDevice) -> None:
    with pytest.raises(DeadlineExceeded, match=r"sleep took longer than 0\.5 s and was stopped"):
        device.run(["sleep", "100"], deadline_s=0.5)


@pytest.mark.parametrize("silent", ["all", "end"])
def test_an_answer_that_never_comes_of_a_program_that_has_ended(device: AdbDevice, phone: Any, silent: str) -> None:
    phone.silent = silent
    with pytest.raises(DeviceLost, match="the connection hangs, the program had ended"):
        device.run(["echo", "x"], deadline_s=0.5)
    assert device.run(["echo", "x"]).text == "x\n"


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


def test_read_files_with_any_content_in_one_round_trip(
    device: AdbDevice, phone: Any, fake_adb: Any, shell: str, tmp_path: Path
) -> None:
    phone.shell = shell
    contents = {
        "empty": b"",
        "no line end": b"abc",
        "lines": b"a\n\nb\n\n\n",
        "binary": bytes(range(256)) * 300,
        "like a frame": b"\n0123456789abcdef 0\n",
        "$(touch owned)": b"name",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "folder").mkdir()
    paths = [str(tmp_path / name) for name in contents]
    absent = [str(tmp_path / "absent"), str(tmp_path / "folder")]
    before = len(fake_adb.requests)
    files = device.read_files([*absent, *paths])
    assert len(fake_adb.requests) - before == 2  # transport and shell
    assert files == {**dict.fromkeys(absent), **{str(tmp_path / name): data for name, data in contents.items()}}


def test_read_files_of_many_paths(device: AdbDevice, tmp_path: Path) -> None:
    paths = []
    for index in range(400):
        path = tmp_path / f"file-with-a-rather-long-name-{index:0100d}"
        path.write_text(f"{index}\n")
        paths.append(str(path))
    assert [int(data or b"-1") for data in device.read_files(paths).values()] == list(range(400))


def test_a_file_that_never_answers_costs_its_own_time_only(
    device: AdbDevice, phone: Any, shell: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone.shell = shell
    monkeypatch.setattr(adb, "_FILE_S", 0.2)
    names = ["a", "fifo", "b", "fifo2", "absent", "c"]
    for name in names:
        if name.startswith("fifo"):
            os.mkfifo(tmp_path / name)
        elif name != "absent":
            (tmp_path / name).write_text(f"{name}\n\n")
    began = time.monotonic()
    files = device.read_files([str(tmp_path / name) for name in names])
    assert time.monotonic() - began < 15
    assert [data and data.decode() for data in files.values()] == ["a\n\n", None, "b\n\n", None, None, "c\n\n"]
    reading = f"cat\0{tmp_path}".encode()
    assert not any(reading in file.read_bytes() for file in Path("/proc").glob("[0-9]*/cmdline") if file.exists())


def test_a_sensor_that_never_answered_is_not_asked_again(device: AdbDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    hanging = "/sys/class/thermal/thermal_zone9/temp"
    asked: list[bytes] = []

    def shell(line: str, deadline: Any, stdin: bytes, late: Any) -> tuple[int, bytes, bytes]:
        asked.append(stdin)
        token = line.rsplit(maxsplit=1)[-1].strip("'")
        output = f"1 (sh) S {'0 ' * 30}\n\n{token} 0\n"
        if hanging.encode() in stdin:
            raise CommandTimedOut(output.encode(), late(output.encode()))
        return 0, f"{output}31000\n\n{token} 0\n".encode(), b""

    monkeypatch.setattr(device, "_transport", SimpleNamespace(shell=shell))
    monkeypatch.setattr(device, "_late", lambda *_: DeadlineExceeded("it was stopped"))
    other = "/sys/class/thermal/thermal_zone0/temp"
    for _ in range(2):
        assert device.read_files([hanging, other]) == {hanging: None, other: b"31000\n"}
    assert device.silent_files == (hanging,)
    assert [hanging.encode() in stdin for stdin in asked] == [True, False, False]


def test_read_files_refuses_what_would_break_the_frames(device: AdbDevice) -> None:
    for path in ("relative", "/a\n/b", "/a\0"):
        with pytest.raises(DeviceError, match="not an absolute path"):
            device.read_files([path])


def test_push_is_whole_or_absent(device: AdbDevice, phone: Any, work: Path, tmp_path: Path, shell: str) -> None:
    phone.shell = shell
    source = tmp_path / "source"
    source.write_bytes(os.urandom(300_000))
    target = work / "program; $(x)"
    device.push(source, str(target), executable=True)
    assert target.read_bytes() == source.read_bytes()
    assert os.access(target, os.X_OK)
    target.unlink()
    phone.push_limit = 200_000
    with pytest.raises(DeviceError, match="arrived damaged"):
        device.push(source, str(target))
    assert list(work.iterdir()) == []


@pytest.mark.parametrize("damaged", [False, True])
def test_push_to_a_phone_without_a_program_for_digests(
    device: AdbDevice, phone: Any, work: Path, tmp_path: Path, need_tool: Any, damaged: bool
) -> None:
    programs = phone.root / "bin"
    for tool in ("sh", "cat", "rm", "mv", "chmod", "df"):
        (programs / tool).symlink_to(need_tool(tool))
    phone.path = str(programs)
    source = tmp_path / "source"
    source.write_bytes(os.urandom(300_000))
    if damaged:
        phone.push_limit = 200_000
        with pytest.raises(DeviceError, match="arrived damaged"):
            device.push(source, str(work / "program"))
        assert list(work.iterdir()) == []
    else:
        device.push(source, str(work / "program"), executable=True)
        assert (work / "program").read_bytes() == source.read_bytes()
        assert os.access(work / "program", os.X_OK)


def test_push_tells_the_reason(
    device: AdbDevice, phone: Any, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x" * 5000)
    phone.push_failure = "couldn't create file: Permission denied"
    with pytest.raises(DeviceError, match="Permission denied"):
        device.push(source, str(work / "x"))
    phone.push_failure = "write failed: No space left on device"
    with pytest.raises(DeviceError, match=r"no space left .* 5000 bytes needed, \d+ free") as caught:
        device.push(source, str(work / "x"))
    assert "make room" in caught.value.remedy
    phone.push_failure = " "  # no reason: df has it
    monkeypatch.setattr(AdbDevice, "free_bytes", lambda *_: 4096)
    with pytest.raises(DeviceError, match=r"no space left .* 5000 bytes needed, 4096 free"):
        device.push(source, str(work / "x"))


def test_push_over_a_broken_connection(device: AdbDevice, phone: Any, work: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x" * 500_000)
    phone.push_cut = True
    with pytest.raises(DeviceLost):
        device.push(source, str(work / "final"))
    assert not (work / "final").exists()


def test_push_of_a_missing_file(device: AdbDevice, work: Path, tmp_path: Path) -> None:
    with pytest.raises(InfrastructureError, match="absent"):
        device.push(tmp_path / "absent", str(work / "x"))


def test_pull(device: AdbDevice, tmp_path: Path) -> None:
    source = tmp_path / "remote file"
    source.write_bytes(os.urandom(200_000))
    target = tmp_path / "got"
    device.pull(str(source), target)
    assert target.read_bytes() == source.read_bytes()
    with pytest.raises(DeviceError, match=str(tmp_path / "absent")):
        device.pull(str(tmp_path / "absent"), target)
    assert sorted(p.name for p in tmp_path.iterdir() if "pull" in p.name) == []


def test_read_from_follows_a_growing_file(device: AdbDevice, phone: Any, shell: str, tmp_path: Path) -> None:
    phone.shell = shell
    path = tmp_path / "growing"
    assert device.read_from(str(path), 0) == b""
    path.write_bytes(b"one\ntwo")
    assert device.read_from(str(path), 0) == b"one\ntwo"
    assert device.read_from(str(path), 4) == b"two"
    assert device.read_from(str(path), 7) == b""
    assert device.read_from(str(path), 99) == b""


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


def test_folders(device: AdbDevice, work: Path) -> None:
    folder = f"{work}/harness-1/a b"
    device.make_dir(folder)
    (work / "harness-1/a b/.hidden").write_text("")
    (work / "harness-1/a b/file").write_text("")
    assert device.list_dir(folder) == (".hidden", "file")
    assert device.list_dir(f"{work}/absent") == ()
    assert device.free_bytes(str(work)) > 0
    device.remove_tree(f"{work}/harness-1")
    assert list(work.iterdir()) == []


def test_remove_tree_stays_below_the_work_folder(device: AdbDevice, work: Path, tmp_path: Path) -> None:
    keep = tmp_path / "keep"
    keep.mkdir()
    for path in (str(work), f"{work}/", f"{work}/..", f"{work}/../keep", str(keep), "/", "", f"{work}/x/../../keep"):
        with pytest.raises(DeviceError, match="refused to remove"):
            device.remove_tree(path)
    assert keep.is_dir() and work.is_dir()


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


def test_a_setting_that_never_answers_has_its_own_time(device: AdbDevice, phone: Any) -> None:
    (phone.root / "bin/settings").write_text("#!/bin/sh\nsleep 600\n")
    began = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        device.get_setting("global", "stay_on_while_plugged_in", deadline_s=0.3)
    assert time.monotonic() - began < 10


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


def test_sensors_that_all_hang_cost_one_time_limit(device: AdbDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adb, "_FILES_S", 0.3)
    monkeypatch.setattr(adb, "_FILES_PER_S", 1e9)
    zones = [f"/sys/class/thermal/thermal_zone{n}/temp" for n in range(7)]
    asked: list[bytes] = []

    def shell(line: str, deadline: Any, stdin: bytes, late: Any) -> tuple[int, bytes, bytes]:
        asked.append(stdin)
        time.sleep(0.12)
        token = line.rsplit(maxsplit=1)[-1].strip("'")
        output = f"1 (sh) S {'0 ' * 30}\n\n{token} 0\n".encode()
        raise CommandTimedOut(output, late(output))

    monkeypatch.setattr(device, "_transport", SimpleNamespace(shell=shell))
    monkeypatch.setattr(device, "_late", lambda *_: DeadlineExceeded("it was stopped"))
    for _ in range(2):
        assert device.read_files(zones) == dict.fromkeys(zones)
    assert len(asked) <= 3
    assert set(device.silent_files) == set(zones)


def says(phone: Any, program: str, output: bytes) -> None:
    """That program of the phone prints this, whatever it is asked."""
    (phone.root / "bin" / f"{program}.out").write_bytes(output)
    file = phone.root / "bin" / program
    file.write_text(f'#!/bin/sh\nexec cat "{file}.out"\n')
    file.chmod(0o755)


def test_noise_of_wc_is_no_size(device: AdbDevice, phone: Any, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"12345")
    says(phone, "wc", b"WARNING: linker: unused DT entry\n5\n")
    device.pull(str(source), tmp_path / "got")
    assert (tmp_path / "got").read_bytes() == b"12345"
    for noise in (b"WARNING: linker\n", b"", b"9" * 5000, b"9" * 18, b"-5\n"):
        says(phone, "wc", noise)
        with pytest.raises(DeviceError, match="does not tell how long it is"):
            device.pull(str(source), tmp_path / "got")


@pytest.mark.parametrize("mask", [b",", b"f" * 9000, b"0x", b""])
def test_a_mask_that_is_none_limits_nothing(device: AdbDevice, phone: Any, mask: bytes) -> None:
    says(phone, "taskset", b"pid 7's current affinity mask: " + mask + b"\n")
    assert device.topology().allowed


def test_names_that_lead_elsewhere_are_no_names(device: AdbDevice, phone: Any) -> None:
    says(phone, "ls", b"../../up\n..\n.\na\0b\n/abs\n.hidden\nok\n")
    assert device.list_dir("/x") == (".hidden", "ok")


def test_a_name_that_this_host_cannot_have(device: AdbDevice, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"12345")
    with pytest.raises(InfrastructureError, match="name too long"):
        device.pull(str(source), tmp_path / ("x" * 300))


def test_sizes_of_any_length_are_none(device: AdbDevice, phone: Any) -> None:
    says(phone, "df", b"Filesystem 1K-blocks Used Available Use% Mounted on\n/dev 1 2 " + b"9" * 5000 + b" 3% /data\n")
    with pytest.raises(DeviceError, match="df gives no sizes"):
        device.free_bytes("/data")


@pytest.mark.parametrize("offset", [0, 1, 4095, 4096, 4097, 9999, 10_000, 10_001, 20_000])
def test_what_is_left_out_of_a_growing_file_is_not_read(
    device: AdbDevice, phone: Any, shell: str, tmp_path: Path, offset: int
) -> None:
    phone.shell = shell
    says(phone, "tail", b"it reads all that it leaves out")
    data = os.urandom(10_000)
    (tmp_path / "growing").write_bytes(data)
    assert device.read_from(str(tmp_path / "growing"), offset) == data[offset:]


def test_a_growing_file_that_may_not_be_read_is_an_error(device: AdbDevice, phone: Any, tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="reading"):
        device.read_from(str(tmp_path), 0)
