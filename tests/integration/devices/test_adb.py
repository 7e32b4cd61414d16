"""The adb device on virtual phones behind a real adb server: the wheel's adb, and that of PATH (Debian's is 29)."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from harness.devices import adbprogram
from harness.devices.adb import AdbDevice
from harness.devices.base import RemoteProcess
from harness.errors import DeadlineExceeded, DeviceError, DeviceLost, HarnessError
from harness.lab import controls
from harness.lab.manager import PhoneHandle
from harness.toolchain.builder import build

pytestmark = [pytest.mark.integration, pytest.mark.parametrize("lab", ["wheel", "PATH"], indirect=True)]

NASTY = [
    "$(reboot)",
    "`id`",
    "a'b",
    'a"b',
    "a b",
    "",
    "*",
    "-n",
    "x;y",
    "\\n",
    "<script>alert(1)</script>",
    "ä€",
    "a\nb",
]


def names_of(device: AdbDevice) -> str:
    """Command lines of the phone's processes, as the shell user sees them."""
    return device.run(["sh", "-c", "cat /proc/[0-9]*/cmdline 2>/dev/null"]).text.replace("\0", " ")


def test_the_adb_that_serves_is_named(lab: Any, phone: PhoneHandle) -> None:
    """Its program is the system's answer; its version is told where that is the adb that we would start ourselves."""
    with lab.active():
        found = lab.find(phone)
        ours = adbprogram.version(lab.program)
    (server,) = found.servers
    program, _, version = server.adb.partition(" ")
    assert (server.address, server.adb) == (lab.server, found.devices[0].identity.adb)
    assert Path(program).name == "adb" and Path(program).is_file()
    assert version == (ours if Path(program).samefile(lab.program) else "")


def test_identity_and_topology_are_the_models(device: AdbDevice) -> None:
    identity = device.identity
    assert (identity.model, identity.soc, identity.kind) == ("Pixel 3", "SDM845", "adb")
    assert identity.emulated and identity.boot_id and identity.abis[0] == "arm64-v8a"
    topology = device.topology()
    assert [(c.label, c.policy, c.midr) for c in topology.clusters] == [
        ("0-3", "policy0", "0x517f803c"),
        ("4-7", "policy4", "0x516f802d"),
    ]
    assert topology.allowed == tuple(range(8))  # not the CPUs of the host


def test_nine_cpus(lab: Any) -> None:
    phone = lab.up("pixel-8")
    topology = lab.device(phone).topology()
    assert [c.label for c in topology.clusters] == ["0-3", "4-7", "8"]
    assert topology.allowed == tuple(range(9))
    lab.down(phone)


def test_arguments_outputs_and_exit_codes(device: AdbDevice) -> None:
    done = device.run(["sh", "-c", 'for a in "$@"; do printf "%s\\0" "$a"; done; echo err >&2; exit 9', "sh", *NASTY])
    assert done.stdout.decode().split("\0")[:-1] == NASTY
    assert (done.code, done.stderr) == (9, b"err\n")
    assert device.run(["/no/such/program"]).code == 127


def test_much_stdin_and_output(device: AdbDevice) -> None:
    data = os.urandom(2_000_000)
    assert device.run(["cat"], stdin=data).stdout == data


def test_deadline_kills_what_runs_on_the_phone(device: AdbDevice) -> None:
    with pytest.raises(DeadlineExceeded, match="was stopped"):
        device.run(["sh", "-c", "sleep 4711 & while :; do echo tick; sleep 0.05; done"], deadline_s=1)
    assert "sleep 4711" not in names_of(device)


def test_push_run_and_pull_an_arm64_program(device: AdbDevice, folder: str, tmp_path: Path) -> None:
    built = build("arm64-v8a", "zig")
    device.push(built.path, f"{folder}/convbench", executable=True)
    assert device.list_dir(folder) == ("convbench",)
    done = device.run([f"{folder}/convbench", "info"], deadline_s=60)
    assert done.code == 0
    assert json.loads(done.stdout)["build_id"] == built.build_id
    device.pull(f"{folder}/convbench", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == built.path.read_bytes()


def test_read_files_and_a_growing_file(device: AdbDevice, folder: str, tmp_path: Path) -> None:
    content = bytes(range(256)) * 40
    (tmp_path / "source").write_bytes(content)
    device.push(tmp_path / "source", f"{folder}/binary $(x)")
    files = device.read_files([f"{folder}/binary $(x)", "/proc/version", "/absent", "/sys"])
    assert files[f"{folder}/binary $(x)"] == content
    assert (files["/proc/version"] or b"").startswith(b"Linux")
    assert files["/absent"] is None and files["/sys"] is None
    process = device.spawn(["sh", "-c", "echo one; sleep 0.5; echo two"], cwd=folder, output=f"{folder}/out")
    seen, end = b"", time.monotonic() + 20
    while seen != b"one\ntwo\n" and time.monotonic() < end:
        seen += device.read_from(f"{folder}/out", len(seen))
    assert seen == b"one\ntwo\n"
    device.kill(process)


def test_spawned_program_survives_a_lost_connection(lab: Any, tmp_path: Path) -> None:
    phone = lab.up()
    device = lab.device(phone)
    process = device.spawn(["sh", "-c", "sleep 4712 & wait"], cwd=device.work_root(), output="/data/local/tmp/out")
    assert device.alive(process)
    dropping = threading.Timer(1.0, controls.drop_connection, [phone])
    dropping.start()
    with pytest.raises(DeviceLost):
        device.run(["sleep", "20"])
    end = time.monotonic() + 30
    alive: bool | None = None
    while alive is None and time.monotonic() < end:
        try:
            alive = device.alive(process)
        except DeviceError:
            time.sleep(0.2)
    assert alive
    device.kill(RemoteProcess(process.pid, process.start_ticks, "another boot"))
    assert device.alive(process)
    device.kill(process)
    assert not device.alive(process)
    assert "sleep 4712" not in names_of(device)
    lab.down(phone)


def test_reboot_shows(lab: Any) -> None:
    phone = lab.up()
    device = lab.device(phone)
    before = device.identity.boot_id
    process = device.spawn(["sleep", "4713"], cwd="/data/local/tmp", output="/data/local/tmp/out")
    controls.reboot(phone)
    end = time.monotonic() + 40
    alive: bool | None = None
    while alive is None and time.monotonic() < end:
        try:
            alive = device.alive(process)
        except HarnessError:
            time.sleep(0.2)
    assert alive is False
    assert lab.device(phone).identity.boot_id != before
    lab.down(phone)


def test_too_little_space(lab: Any, tmp_path: Path) -> None:
    phone = lab.up(disk_bytes=1 << 20)
    device = lab.device(phone)
    (tmp_path / "big").write_bytes(os.urandom(3 << 20))
    with pytest.raises(DeviceError, match=r"no space left .* 3145728 bytes needed, \d+ free"):
        device.push(tmp_path / "big", "/data/local/tmp/big")
    assert not [name for name in device.list_dir("/data/local/tmp") if name.startswith("big")]
    lab.down(phone)


def test_phones_that_cannot_be_used(lab: Any) -> None:
    old, stranger = lab.up(shell_v2=False), lab.up("pixel-2-xl", authorized=False)
    found = lab.find(old, stranger)
    assert found.devices == ()
    assert {u.serial: u.state for u in found.unusable} == {old.serial: "no shell v2", stranger.serial: "unauthorized"}
    lab.down(old)
    lab.down(stranger)


def test_settings(device: AdbDevice) -> None:
    key = "stay_on_while_plugged_in"
    before = device.get_setting("global", key)
    device.put_setting("global", key, "7")
    assert device.get_setting("global", key) == "7"
    device.put_setting("global", key, None)
    assert device.get_setting("global", key) is None
    device.put_setting("global", key, before)


def test_only_its_own_folder_may_be_removed(device: AdbDevice) -> None:
    for path in ("/data/local/tmp", "/data/local/tmp/..", "/data/local", "/"):
        with pytest.raises(DeviceError, match="refused"):
            device.remove_tree(path)
