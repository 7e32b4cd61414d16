"""Conditions of this host from facts that have them and facts that have not."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.control.conditions import host
from harness.control.conditions.diagnosis import judged
from harness.control.conditions.host import Adb, HostFacts, Server
from harness.control.conditions.known import NotKnown
from harness.control.lease import host_cpus, leased
from harness.devices import adbprogram, servers
from harness.devices.base import AdbServer, Identity
from harness.devices.local import LocalDevice

pytestmark = pytest.mark.unit

PROGRAM = "/bin/sh"  # a file that is there
SERVER = Server("127.0.0.1:5037", 41, True, f"{PROGRAM} 36.0.0", 1000)
ADB = Adb(PROGRAM, 41, (SERVER,))
WELL = HostFacts(ADB, "/opt/ndk (27.0)", (), {"/": 2 << 30}, (), "", 1000)


def adb(**changes: Any) -> dict[str, Any]:
    return {"adb": replace(ADB, servers=(replace(SERVER, **changes),))}


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        ("ADB_VERSION", adb(protocol=39), "speaks version 39"),
        ("ADB_SERVER", adb(program="/bin/ls"), "is /bin/ls, the adb that is used here is /bin/sh"),
        ("ADB_SERVER", adb(program="", user=0), "started by user id 0"),
        ("NDK", {"ndk": "", "ndk_refused": ("not used: /x: r9 is too old",)}, "r9 is too old"),
        ("HOST_DISK", {"free_bytes": {"/a": 2 << 30, "/b": 5 << 20}}, "5 MiB at /b"),
        ("LEASES", {"unlockable": "/run/lock/harness-locks is no folder"}, "is no folder"),
        ("LEASES", {"holders": ("one", "another")}, "in use by one; another"),
    ],
)
def test_found(name: str, changes: dict[str, Any], words: str) -> None:
    (condition,) = judged(replace(WELL, **changes), host.CHECKS).conditions
    assert condition.name == name
    assert words in condition.what
    assert (condition.kind.about, condition.kind.stops) == ("host", False)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"adb": None},
        adb(is_here=False, protocol=39, program="", user=0),
        adb(program=PROGRAM, user=None),
        {"adb": replace(ADB, program="", servers=(replace(SERVER, program="/bin/ls"),))},
    ],
)
def test_not_found(changes: dict[str, Any]) -> None:
    diagnosis = judged(replace(WELL, **changes), host.CHECKS)
    assert (list(diagnosis.conditions), diagnosis.unknown) == ([], {})


def test_a_process_that_holds_several_locks_is_told_once() -> None:
    with leased(LocalDevice()), host_cpus(Identity("local", "local"), threading.Event(), pytest.fail):
        (holder,) = host.read(()).holders
    assert f"pid {os.getpid()}" in holder
    assert host.read(()).holders == ()


def test_a_server_that_tells_no_version() -> None:
    diagnosis = judged(replace(WELL, **adb(protocol=NotKnown("it is gone"))), host.CHECKS)
    assert diagnosis.unknown == {"ADB_VERSION": "it is gone"}


def test_a_server_behind_a_tunnel_of_ssh_is_no_program_of_this_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """What listens here is ssh: neither is it another adb, nor does the adb of this host end it."""
    monkeypatch.setattr(servers, "protocol_of", lambda _: 39)
    monkeypatch.setattr(adbprogram, "own", lambda: PROGRAM)
    monkeypatch.setattr(adbprogram, "protocol", lambda _: 41)
    facts = host.read([AdbServer("127.0.0.1:15037", "/usr/bin/ssh")])
    assert host.adb_version(facts) is None and host.adb_server(facts) is None
    facts = host.read([AdbServer("127.0.0.1:15037", "/opt/adb")])
    assert host.adb_version(facts) is not None and host.adb_server(facts) is not None


def test_this_host_is_read_without_adb(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ANDROID_NDK_HOME", str(tmp_path / "none"))
    facts = host.read(())
    assert (facts.adb, facts.ndk, facts.user, facts.unlockable) == (None, "", os.getuid(), "")
    assert "does not exist" in facts.ndk_refused[0]
    assert all(free >= 0 for free in facts.free_bytes.values()) and facts.free_bytes
