"""What commands say of small things: wrong values, nothing there, unknown values."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import ANY

import pytest

from harness.cli import lab, options, run
from harness.cli.devices import Devices
from harness.cli.outcome import Outcome
from harness.devices import discovery
from harness.devices.base import AdbServer, Attached, Cluster, Device, Identity, Topology
from harness.errors import NoDeviceError, UsageError
from harness.exit_codes import ExitCode
from harness.lab import manager
from harness.measure.context import Context

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
    with pytest.raises(NoDeviceError, match=words):
        Context(cast(Any, None), Attached((cast(Device, None),) * count), print, cast(Any, None), 3).usable()


def test_a_short_dry_run_is_told_in_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "planned", lambda _: ([], {"local": 6.4, "pixel-3": 90.0}))
    local, pixel = run._jobs(cast(Context, None)).lines
    assert "local: at most about 6 s of" in local
    assert "pixel-3: at most about 1.5 min of" in pixel


def test_no_virtual_phone(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(manager, "list_phones", list)
    monkeypatch.setattr(manager, "down", lambda serials: [])
    for command in (lab.List(), lab.Down()):
        assert command() == Outcome()
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
            ["S1  X1  (Android 14, sdm845)", "    CPUs 4        Cortex-A75, 2.80 GHz"],
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
    device = SimpleNamespace(identity=identity, topology=lambda: Topology((cluster,), cluster.cpus))
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
