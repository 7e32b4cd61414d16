"""This machine as a device."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.devices.base import RemoteProcess
from harness.devices.local import LocalDevice
from harness.errors import DeadlineExceeded, DeviceError
from tests import emulator

pytestmark = pytest.mark.unit


@pytest.fixture
def local(tmp_path: Path) -> LocalDevice:
    return LocalDevice(tmp_path / "work")


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def test_run(local: LocalDevice) -> None:
    done = local.run(["sh", "-c", "cat; echo err >&2; exit 5"], stdin=b"in")
    assert (done.code, done.stdout, done.stderr) == (5, b"in", b"err\n")
    assert local.run(["sh", "-c", "kill -9 $$"]).code == 137
    with pytest.raises(DeviceError, match="no-such-program"):
        local.run(["no-such-program"])


def test_deadline_stops_children_too(local: LocalDevice, tmp_path: Path) -> None:
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded, match=r"sh took longer than 0\.5 s"):
        local.run(["sh", "-c", f"sleep 60 & echo $! >{tmp_path}/pid; wait"], deadline_s=0.5)
    assert time.monotonic() - started < 10
    assert gone(int((tmp_path / "pid").read_text()))


def test_kill_finds_the_whole_family(local: LocalDevice, tmp_path: Path) -> None:
    text = f"sleep 60 & echo $! >>{tmp_path}/pids; setsid sh -c 'sleep 60 & echo $! $$ >>{tmp_path}/pids; wait' & wait"
    process = local.spawn(["sh", "-c", text], cwd=str(tmp_path), output=str(tmp_path / "out"))
    deadline = time.monotonic() + 10
    while not (tmp_path / "pids").exists() or len((tmp_path / "pids").read_text().split()) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    local.kill(process)
    assert all(gone(int(pid)) for pid in (tmp_path / "pids").read_text().split())


def test_programs_are_found_by_their_command_line(local: LocalDevice, tmp_path: Path, true_proc: None) -> None:
    process = local.spawn(["sleep", "60", "0.0"], cwd=str(tmp_path), output=str(tmp_path / "out"))
    try:
        (found,) = [each for each in local.running("0.0") if each.process.pid == process.pid]
        assert (found.process, found.arguments) == (process, (b"sleep", b"60", b"0.0"))
    finally:
        local.kill(process)


def test_files(local: LocalDevice, tmp_path: Path) -> None:
    folder = f"{local.work_root()}/run"
    local.make_dir(folder)
    source = tmp_path / "source"
    source.write_bytes(b"\0\1\2")
    local.push(source, f"{folder}/program", executable=True)
    assert os.access(f"{folder}/program", os.X_OK)
    assert local.list_dir(folder) == ("program",)
    assert local.list_dir(f"{folder}/absent") == ()
    assert local.read_files([f"{folder}/program", f"{folder}/absent", folder]) == {
        f"{folder}/program": b"\0\1\2",
        f"{folder}/absent": None,
        folder: None,
    }
    local.pull(f"{folder}/program", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == b"\0\1\2"
    assert local.read_from(f"{folder}/program", 1) == b"\1\2"
    assert local.read_from(f"{folder}/absent", 0) == b""
    assert local.free_bytes(folder) > 0
    local.remove_tree(folder)
    local.remove_tree(folder)
    assert local.list_dir(local.work_root()) == ()
    with pytest.raises(DeviceError, match="absent"):
        local.push(tmp_path / "absent", f"{local.work_root()}/x")
    with pytest.raises(DeviceError, match="absent"):
        local.pull(str(tmp_path / "absent"), tmp_path / "y")


def test_remove_tree_stays_below_its_folder(local: LocalDevice, tmp_path: Path) -> None:
    root = local.work_root()
    for path in (root, f"{root}/", f"{root}/..", f"{root}/../x", str(tmp_path), "/"):
        with pytest.raises(DeviceError, match="refused"):
            local.remove_tree(path)


def test_spawn_alive_and_kill(local: LocalDevice, tmp_path: Path) -> None:
    text = "echo hello; sleep 60 & echo $! >child; wait"
    process = local.spawn(["sh", "-c", text], cwd=str(tmp_path), output=str(tmp_path / "out"))
    end = time.monotonic() + 10
    while not ((tmp_path / "child").exists() and (tmp_path / "child").read_text()) and time.monotonic() < end:
        time.sleep(0.01)
    child = int((tmp_path / "child").read_text())
    assert local.alive(process) and os.getsid(process.pid) == process.pid
    local.kill(RemoteProcess(process.pid, process.start_ticks + 1, process.boot_id))
    assert local.alive(process)
    local.kill(process)
    assert not local.alive(process) and gone(process.pid) and gone(child)
    assert (tmp_path / "out").read_text() == "hello\n"


def test_an_ended_program_is_not_alive(local: LocalDevice, tmp_path: Path) -> None:
    process = local.spawn(["true"], cwd=str(tmp_path), output=str(tmp_path / "out"))
    end = time.monotonic() + 10
    while local.alive(process) and time.monotonic() < end:
        time.sleep(0.01)
    assert not local.alive(process)


def test_a_spawned_program_outlives_its_parent(tmp_path: Path) -> None:
    text = (
        "import sys; from pathlib import Path; from harness.devices.local import LocalDevice\n"
        "p = LocalDevice(Path(sys.argv[1])).spawn(['sleep', '60'], cwd='/', output=sys.argv[1] + '/out')\n"
        "print(p.pid, p.start_ticks, p.boot_id)"
    )
    done = subprocess.run([sys.executable, "-c", text, str(tmp_path)], capture_output=True, text=True, check=True)
    pid, start, boot = done.stdout.split()
    local = LocalDevice(tmp_path / "work")
    process = RemoteProcess(int(pid), int(start), boot)
    assert local.alive(process)
    local.kill(process)
    assert gone(process.pid)


def test_has_no_settings(local: LocalDevice) -> None:
    with pytest.raises(DeviceError, match="no Android settings"):
        local.get_setting("global", "x")
    with pytest.raises(DeviceError, match="no Android settings"):
        local.put_setting("global", "x", "1")


def test_identity_and_topology(local: LocalDevice) -> None:
    assert (local.identity.serial, local.identity.emulated) == ("local", emulator.is_here())
    assert local.identity.boot_id
    assert local.topology().allowed == tuple(sorted(os.sched_getaffinity(0)))


def test_cpus_come_from_the_inherited_mask(tmp_path: Path) -> None:
    cpu = min(os.sched_getaffinity(0))
    text = (
        "import os, sys; from pathlib import Path; os.sched_setaffinity(0, {int(sys.argv[2])})\n"
        "from harness.devices.local import LocalDevice\n"
        "print(LocalDevice(Path(sys.argv[1])).topology().allowed)"
    )
    done = subprocess.run(
        [sys.executable, "-c", text, str(tmp_path), str(cpu)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == f"({cpu},)"


def test_a_program_within_its_exec_is_waited_for(
    local: LocalDevice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """/proc shows no arguments for a moment there; whoever looks for our programs would miss it."""
    answers = [b"", b"", b"sleep\0"]
    real = Path.read_bytes
    seen: list[bytes] = []

    def read_bytes(path: Path) -> bytes:
        if path.name != "cmdline":
            return real(path)
        seen.append(answers[min(len(seen), 2)])
        return seen[-1]

    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    process = local.spawn(["sleep", "60"], cwd=str(tmp_path), output=str(tmp_path / "out"))
    local.kill(process)
    assert seen == answers
