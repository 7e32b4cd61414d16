"""Files of a phone against a small adb server with real shells behind it."""

from __future__ import annotations

import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.devices import adb_files
from harness.devices.adb import AdbDevice
from harness.devices.transport import CommandTimedOut
from harness.errors import (
    DeadlineExceeded,
    DeviceError,
    DeviceLost,
    InfrastructureError,
)
from tests.unit.devices.machine import says

pytestmark = pytest.mark.unit


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


@pytest.mark.usefixtures("true_proc")
def test_a_file_that_never_answers_costs_its_own_time_only(
    device: AdbDevice, phone: Any, shell: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone.shell = shell
    monkeypatch.setattr(adb_files, "_FILE_S", 0.2)
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


def test_sensors_that_all_hang_cost_one_time_limit(device: AdbDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adb_files, "_FILES_S", 0.3)
    monkeypatch.setattr(adb_files, "_FILES_PER_S", 1e9)
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
