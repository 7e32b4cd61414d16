"""What commands say of small things: wrong values, nothing there, unknown values."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import ANY

import pytest

from harness.cli import lab, options, run
from harness.cli.devices import Devices
from harness.cli.outcome import Outcome
from harness.control import quarantine
from harness.control.holder import Holder
from harness.control.host_lock import HostLock
from harness.devices import discovery
from harness.devices.base import AdbServer, Attached, Cluster, Device, Identity, Topology
from harness.devices.phone_id import PhoneId
from harness.errors import DeviceError, NoDeviceError, UsageError
from harness.exit_codes import ExitCode
from harness.lab import manager
from harness.measure.context import Context
from harness.model.condition import Condition
from tests.unit.control.conditions.fakes import ELSEWHERE, FakePhone

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("text", ["x", "", "4-", "7-4", "1,,2"])
def test_clusters_of_a_wrong_form(text: str) -> None:
    with pytest.raises(UsageError) as error:
        options.cpus_of(text)
    assert "not a list of CPU numbers\n  write it as in 4-7 or 0,2-3" in str(error.value)
    assert "int()" not in str(error.value)


def test_clusters() -> None:
    assert options.cpus_of(None) is None
    assert options.cpus_of("0,2-3") == (0, 2, 3)


@pytest.mark.parametrize(("count", "words"), [(1, "1 usable device, 3"), (2, "2 usable devices, 3")])
def test_usable_devices(count: int, words: str) -> None:
    phones = cast(tuple[Device, ...], tuple(FakePhone(Identity(f"S{n}", "adb", model="X1")) for n in range(count)))
    with pytest.raises(NoDeviceError, match=words):
        Context(cast(Any, None), Attached(phones), print, cast(Any, None), 3).usable()


def test_a_short_dry_run_is_told_in_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "planned", lambda _: ([], {"local": 6.4, "pixel-3": 90.0}))
    local, pixel = run._jobs(cast(Context, None)).lines
    assert "local: at most about 6 s of" in local
    assert "pixel-3: at most about 1.5 min of" in pixel


def test_a_dry_run_tells_on_how_many_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    job = {"device": "pixel-3", "cluster": "4-7", "launch": 0, "layer": "conv1", "variants": ["im2col", "indirect/aa"]}
    job["seed"] = 2**60
    jobs = [{**job, "threads": threads} for threads in ([1], [1, 4], [2])]
    monkeypatch.setattr(run, "planned", lambda _: (jobs, {}))
    line = "pixel-3 CPUs 4-7 launch 1 conv1: im2col, indirect/aa"
    assert run._jobs(cast(Context, None)).lines == (line, f"{line}; on 1 and 4 threads", f"{line}; on 2 threads")


def test_no_virtual_phone(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(manager, "list_phones", list)
    monkeypatch.setattr(manager, "down", lambda serials: [])
    for command, value in ((lab.List(), {"phones": []}), (lab.Down(), {"down": []})):
        assert command() == Outcome(value=value)
        assert "no virtual phone is up" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("identity", "cluster", "lines"),
    [
        (
            Identity("local", "local", soc="AMD EPYC"),
            Cluster((0, 1)),
            ["local  AMD EPYC", "    CPUs 0-1      core type and clock not told by the system"],
        ),
        (
            Identity("S1", "adb", model="X1", soc="sdm845", android="14"),
            Cluster((4,), core="Cortex-A75", max_khz=2803200),
            [
                "S1  X1  (Android 14, sdm845)",
                "    called x1: also by --device",
                "    CPUs 4        Cortex-A75, 2.80 GHz",
            ],
        ),
        (
            Identity("S2", "adb", emulated=True),
            Cluster((4,), core="Cortex-A75"),
            ["S2  model unknown  EMULATED", "    CPUs 4        Cortex-A75, clock unknown"],
        ),
    ],
)
def test_unknown_values_of_a_device(
    monkeypatch: pytest.MonkeyPatch, identity: Identity, cluster: Any, lines: Any
) -> None:
    def run(argv: Any, **_: Any) -> Any:
        raise DeviceError("it does not tell who uses it")

    device = SimpleNamespace(
        serial=identity.serial,
        identity=identity,
        topology=lambda: Topology((cluster,), cluster.cpus),
        work_root=lambda: "/w",
        run=run,
    )
    monkeypatch.setattr(discovery, "find", lambda *_: Attached((cast(Device, device),)))
    assert Devices()() == Outcome(lines=tuple(lines), value=ANY)


@pytest.mark.parametrize(
    ("adb", "line"),
    [
        ("/usr/bin/adb 29.0.6-debian", "adb server lab:5037  /usr/bin/adb 29.0.6-debian"),
        ("", "adb server lab:5037  its program is not told by the system"),
    ],
)
def test_the_adb_server_that_was_asked(monkeypatch: pytest.MonkeyPatch, adb: str, line: str) -> None:
    monkeypatch.setattr(discovery, "find", lambda *_: Attached(servers=(AdbServer("lab:5037", adb),)))
    done = Devices()()
    assert done.code == ExitCode.NO_DEVICE
    assert done.lines[0] == line
    assert done.value is not None and done.value["adb_servers"] == [{"address": "lab:5037", "adb": adb}]


def test_devices_in_quarantine_in_use_and_with_two_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    bad, good = (Identity(serial, "adb", model="X1", serialno=serial * 3) for serial in ("S1", "S2"))
    phones = [FakePhone(bad), FakePhone(good)]
    found = Attached(
        cast(tuple[Device, ...], tuple(phones)),
        conditions={("", "S2"): (Condition("TWO_CONNECTIONS", "2 connections lead to the phone"),)},
        other_names={("", "S2"): ("10.0.0.7:5555",)},
    )
    monkeypatch.setattr(discovery, "find", lambda *_: found)
    quarantine.put(PhoneId.of(bad), "a hub at its end", 2)
    lock, me = HostLock(PhoneId.of(good).digest, pytest.fail), Holder.me("sweep")
    assert lock.acquire(me)
    done = Devices()()
    lock.release()
    lock.close()
    assert done.code == ExitCode.DONE and done.value is not None
    assert done.lines[:5] == (
        "S2  X1",
        "    called x1: also by --device",
        "    also listed as 10.0.0.7:5555",
        f"    in use: {me}",
        "    TWO_CONNECTIONS: 2 connections lead to the phone",
    )
    assert done.lines[-2].startswith("S1  cannot be used: in quarantine until 2") and "a hub at" in done.lines[-2]
    assert "harness doctor --release S1" in done.lines[-1]
    assert [(each["serial"], each["reason"]) for each in done.value["quarantine"]] == [("S1", "a hub at its end")]
    held_by = done.value["devices"][0]["held_by"]
    assert (held_by["run"], held_by["pid"], "token" in held_by) == ("sweep", me.pid, False)
    phones[1].holder = ELSEWHERE  # of this host nobody uses it any more
    assert f"    in use: {ELSEWHERE}" in Devices()().lines
    monkeypatch.setattr(discovery, "find", lambda *_: Attached(cast(tuple[Device, ...], (phones[0],))))
    assert Devices()().code == ExitCode.NO_DEVICE
