"""Which devices are found, and what is said of those that cannot be used."""

from __future__ import annotations

import socket
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.devices import discovery, servers
from harness.devices.adb import AdbDevice
from harness.devices.base import key_of
from harness.devices.discovery import Newcomers, find
from harness.devices.phone_id import PhoneId
from harness.errors import DeviceLost, InfrastructureError, NoDeviceError, UsageError
from harness.exit_codes import ExitCode

pytestmark = pytest.mark.unit


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def test_every_attached_phone_and_the_named_ones(fake_adb: Any, phone: Any, add_phone: Any) -> None:
    add_phone("PHONE2", {"ro.serialno": "DEF"})
    assert [d.serial for d in find([], [fake_adb.address]).devices] == ["PHONE1", "PHONE2"]
    assert [d.serial for d in find(["all"], [fake_adb.address]).devices] == ["PHONE1", "PHONE2"]
    assert [d.serial for d in find(["PHONE2"], [fake_adb.address]).devices] == ["PHONE2"]
    assert [d.serial for d in find(["all", "local"], [fake_adb.address]).devices] == ["local", "PHONE1", "PHONE2"]
    assert find([], [fake_adb.address]).devices[0].identity.model == "Pixel 3"


def test_unknown_serial(fake_adb: Any, phone: Any) -> None:
    with pytest.raises(NoDeviceError, match=r"'\$\(reboot\)' is not attached") as caught:
        find(["PHONE1", "$(reboot)"], [fake_adb.address])
    assert caught.value.exit_code == ExitCode.NO_DEVICE
    with pytest.raises(NoDeviceError):
        find(["all", "NOPE"], [fake_adb.address])


def test_no_phone_at_all(fake_adb: Any) -> None:
    found = find([], [fake_adb.address])
    assert (found.devices, found.unusable) == ((), ())


@pytest.mark.parametrize(
    ("state", "name", "condition", "remedy"),
    [
        ("unauthorized", "unauthorized", "UNAUTHORIZED", "accept its question"),
        ("offline", "offline", "OFFLINE", "adb reconnect"),
        ("recovery", "recovery", "NOT_READY", "adb reboot"),
        ("sideload", "sideload", "NOT_READY", "sideload"),
        ("bootloader", "bootloader", "NOT_READY", "fastboot reboot"),
        (
            "no permissions (user in plugdev group; are your udev rules wrong?)",
            *("no permissions", "NO_PERMISSIONS", "udev"),
        ),
        ("detached", "detached", "NOT_READY", "adb attach"),
        ("authorizing", "authorizing", "NOT_READY", "accept the phone's question"),
        ("connecting", "connecting", "NOT_READY", "wait a moment"),
        ("something new", "something new", "NOT_READY", "adb devices"),
    ],
)
def test_each_state_has_its_condition_and_its_remedy(
    fake_adb: Any, add_phone: Any, state: str, name: str, condition: str, remedy: str
) -> None:
    add_phone("BAD", state=state)
    add_phone("GOOD")
    found = find([], [fake_adb.address])
    assert [d.serial for d in found.devices] == ["GOOD"]
    (bad,) = found.unusable
    assert (bad.serial, bad.state, bad.conditions) == ("BAD", name, (condition,))
    assert remedy in bad.remedy
    (seen,) = bad.found
    assert (seen.name, seen.advice, seen.kind.stops) == (condition, bad.remedy, True) and name in seen.what
    assert find(["BAD"], [fake_adb.address]).unusable == found.unusable


def test_phones_that_answer_and_are_of_no_use(fake_adb: Any, add_phone: Any) -> None:
    add_phone("OLD", features="cmd")
    add_phone("BOOTING", {"sys.boot_completed": ""})
    add_phone("X86", {"ro.product.cpu.abilist": "x86,riscv64"})
    found = find([], [fake_adb.address])
    assert found.devices == ()
    told = {u.serial: (u.state, u.conditions, u.remedy) for u in found.unusable}
    assert told["OLD"][:2] == ("no shell v2", ("NO_SHELL_V2",)) and "exit codes" in told["OLD"][2]
    assert told["BOOTING"][:2] == ("starting", ("STARTING",))
    assert told["X86"][:2] == ("no known ABI", ("ABI",)) and "it runs x86, riscv64" in told["X86"][2]


def test_a_phone_lost_while_it_is_asked(fake_adb: Any, phone: Any) -> None:
    phone.drop_shell = True
    (bad,) = find([], [fake_adb.address]).unusable
    assert (bad.serial, bad.state, bad.conditions) == ("PHONE1", "no answer", ("NO_ANSWER",))


def test_one_phone_by_cable_and_by_wifi_counts_once(fake_adb: Any, add_phone: Any) -> None:
    for serial in ("192.168.0.7:5555", "adb-ABC-xyz._adb-tls-connect._tcp", "ABC"):
        add_phone(serial)
    add_phone("OTHER", {"ro.serialno": "OTHER"})
    assert [d.serial for d in find([], [fake_adb.address]).devices] == ["ABC", "OTHER"]
    named = find(["192.168.0.7:5555"], [fake_adb.address])
    assert [d.serial for d in named.devices] == ["192.168.0.7:5555"]
    assert [d.serial for d in find(["all", "192.168.0.7:5555"], [fake_adb.address]).devices] == [
        "192.168.0.7:5555",
        "OTHER",
    ]


def test_a_stale_wifi_entry_of_a_phone_on_the_cable_is_no_fault(fake_adb: Any, add_phone: Any) -> None:
    stale = "adb-ABC-xyz._adb-tls-connect._tcp"
    add_phone(stale, state="offline")
    add_phone("ABC")
    assert find([], [fake_adb.address]).unusable == ()
    assert [u.serial for u in find([stale, "ABC"], [fake_adb.address]).unusable] == [stale]


def test_two_connections_are_said(fake_adb: Any, add_phone: Any) -> None:
    for serial in ("192.168.0.7:5555", "ABC"):
        add_phone(serial)
    found = find([], [fake_adb.address])
    assert [d.serial for d in found.devices] == ["ABC"]
    assert found.other_names == {(fake_adb.address, "ABC"): ("192.168.0.7:5555",)}
    (condition,) = found.conditions[fake_adb.address, "ABC"]
    assert condition.name == "TWO_CONNECTIONS" and "(USB, network)" in condition.what
    assert "ABC" not in condition.what and "192.168" not in condition.what  # it goes into reports
    both = find(["ABC", "192.168.0.7:5555"], [fake_adb.address])
    assert len(both.devices) == 1


def identities(fake_adb: Any, *serials: str) -> dict[str, PhoneId]:
    return {d.serial: PhoneId.of(d.identity) for d in find(serials, [fake_adb.address]).devices}


@pytest.mark.parametrize("number", ["ABC", "0123456789ABCDEF"])
def test_two_phones_with_one_number(
    fake_adb: Any, add_phone: Any, monkeypatch: pytest.MonkeyPatch, number: str
) -> None:
    starts = iter(["one", "two", "one", "two"])
    monkeypatch.setattr(AdbDevice, "_read_identity", of_another_start(AdbDevice._read_identity, starts))
    for serial, android_id in (("10.0.0.7:1", "7d1f9e0c2b3a4855"), ("10.0.0.8:1", "99e0aa41c0ffee12")):
        phone = add_phone(serial, {"ro.serialno": number})
        (phone.root / "settings-secure-android_id").write_text(f"{android_id}\n")
    found = find([], [fake_adb.address])
    first, second = (PhoneId.of(d.identity) for d in found.devices)
    assert first.known_by == second.known_by == "android_id" and first.digest != second.digest
    for serial in ("10.0.0.7:1", "10.0.0.8:1"):
        (condition,) = found.conditions[fake_adb.address, serial]
        assert condition.name == "SAME_SERIAL" and "by its android_id" in condition.what
    fake_adb.phones["10.0.0.9:1"] = fake_adb.phones.pop("10.0.0.7:1")  # a new address, and the other one is away
    del fake_adb.phones["10.0.0.8:1"]
    assert identities(fake_adb)["10.0.0.9:1"].digest == first.digest


def of_another_start(read: Any, starts: Any) -> Any:
    return lambda device: replace(read(device), boot_id=next(starts))


def test_phones_that_adb_lists_by_one_serial(fake_adb: Any, add_phone: Any) -> None:
    """USB phones of a maker who gave all of them one number; each is reached by the transport id it has now."""
    for name, port in (("one", "usb:1-1"), ("two", "usb:1-2"), ("three", "")):
        phone = add_phone(name, {"ro.serialno": "0123456789ABCDEF", "ro.product.model": name})
        fake_adb.alike[name] = ("0123456789ABCDEF", port)
        assert phone.state == "device"
    found = find([], [fake_adb.address])
    assert [(d.serial, d.identity.model) for d in found.devices] == [
        ("usb:1-1", "one"), ("usb:1-2", "two"), ("transport_id:3", "three")
    ]  # fmt: skip
    fake_adb.phones["later"] = fake_adb.phones.pop("one")  # plugged in again: another transport id, the same port
    fake_adb.alike["later"] = fake_adb.alike.pop("one")
    assert found.devices[0].run(["getprop"]).text.count("[one]") == 1
    with pytest.raises(UsageError, match="several phones") as caught:
        find(["0123456789ABCDEF"], [fake_adb.address])
    assert "usb:1-1" in caught.value.remedy
    assert [d.identity.model for d in find(["usb:1-2"], [fake_adb.address]).devices] == ["two"]
    del fake_adb.phones["two"]
    with pytest.raises(DeviceLost, match="usb:1-2: not attached"):
        found.devices[1].run(["true"])


@pytest.mark.parametrize(
    ("properties", "has_started"),
    [
        ({"sys.boot_completed": "1"}, True),
        ({"dev.bootcomplete": "1"}, True),
        ({"init.svc.bootanim": "stopped"}, True),
        ({"init.svc.bootanim": "running"}, False),
        ({"sys.boot_completed": "0", "init.svc.bootanim": "stopped"}, False),
        ({}, False),
    ],
)
def test_other_signs_of_a_start(fake_adb: Any, add_phone: Any, properties: dict[str, str], has_started: bool) -> None:
    add_phone("ONE", {"sys.boot_completed": "", **properties})
    found = find([], [fake_adb.address])
    assert bool(found.devices) is has_started
    if not has_started:
        assert "--allow STARTING" in found.unusable[0].remedy
        allowed = find([], [fake_adb.address], allow=["STARTING"])
        assert [c.name for c in allowed.conditions[fake_adb.address, "ONE"]] == ["STARTING"]


def test_properties_that_are_empty_at_first(fake_adb: Any, phone: Any) -> None:
    getprop = phone.root / "bin" / "getprop"
    text = getprop.read_text()
    getprop.write_text(
        f'{text.splitlines()[0]}\n[ -e "{phone.root}/asked" ] || {{ : >"{phone.root}/asked"; exit; }}\n{text}'
    )
    assert [d.identity.model for d in find([], [fake_adb.address]).devices] == ["Pixel 3"]


def test_a_named_server_that_does_not_answer() -> None:
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(InfrastructureError, match=f"adb server {address} does not answer") as caught:
        find([], [address])
    assert caught.value.exit_code == ExitCode.INFRASTRUCTURE
    assert "adb" in caught.value.remedy


@pytest.mark.parametrize("text", ["", "host:port", "a b:1", "127.0.0.1:0", "127.0.0.1:99999", "x:1:2"])
def test_a_misspelt_server(text: str) -> None:
    with pytest.raises(UsageError, match="--adb-server"):
        find([], [text])


@pytest.mark.parametrize(
    ("environment", "address"),
    [
        ({}, "127.0.0.1:5037"),
        ({"ANDROID_ADB_SERVER_PORT": "6000"}, "127.0.0.1:6000"),
        ({"ANDROID_ADB_SERVER_HOST": "lab"}, "lab:5037"),
        ({"ANDROID_ADB_SERVER_HOST": "lab", "ANDROID_ADB_SERVER_PORT": "1"}, "lab:1"),
        ({"ADB_SERVER_SOCKET": "tcp:lab:7", "ANDROID_ADB_SERVER_PORT": "1"}, "lab:7"),
        ({"ADB_SERVER_SOCKET": "tcp:7"}, "127.0.0.1:7"),
        ({"ANDROID_ADB_SERVER_HOST": "::1"}, "[::1]:5037"),
    ],
)
def test_default_server_of_the_environment(environment: dict[str, str], address: str) -> None:
    assert str(servers.default(environment)[0]) == address


def test_unsupported_server_sockets() -> None:
    for value in ("localabstract:adb", "tcp:", "vsock:1:2"):
        with pytest.raises(UsageError, match="ADB_SERVER_SOCKET"):
            servers.default({"ADB_SERVER_SOCKET": value})


def test_a_missing_default_server_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    program = tmp_path / "adb"
    program.write_text(
        f'#!/bin/sh\n[ "$1" = version ] && exit 0\necho "$@" >{tmp_path}/called\necho cannot bind >&2\nexit 1\n'
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("ADBUTILS_ADB_PATH", str(program))
    monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", str(port))
    monkeypatch.delenv("ADB_SERVER_SOCKET", raising=False)
    monkeypatch.delenv("ANDROID_ADB_SERVER_HOST", raising=False)
    with pytest.raises(InfrastructureError, match="start-server failed: cannot bind"):
        find([], [])
    assert (tmp_path / "called").read_text() == f"-P {port} start-server\n"


def test_local_neither_asks_nor_loads_adb(tmp_path: Path) -> None:
    text = (
        "import sys; from harness.devices.discovery import find\n"
        "print(find(['local'], ['127.0.0.1:1']).devices, [m for m in sys.modules if 'adbutils' in m])"
    )
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "(LocalDevice(),) []"


def test_newcomers_are_asked_alone(fake_adb: Any, add_phone: Any) -> None:
    add_phone("KNOWN")
    add_phone("NEW")
    add_phone("LOCKED", state="unauthorized")
    known = {(fake_adb.address, "KNOWN"), ("other:5037", "NEW")}
    found = Newcomers([fake_adb.address])(known)
    assert [device.serial for device in found.devices] == ["NEW"]
    assert [(bad.serial, bad.state) for bad in found.unusable] == [("LOCKED", "unauthorized")]
    assert not any("KNOWN" in request for request in fake_adb.requests)
    assert Newcomers([])(()).devices == ()
    with pytest.raises(InfrastructureError, match="does not answer"):  # and none is started
        Newcomers(["127.0.0.1:1"])(())


def test_newcomers_come_with_the_conditions_that_they_are_found_in(fake_adb: Any, add_phone: Any) -> None:
    add_phone("ONE", {"sys.boot_completed": ""})
    assert Newcomers([fake_adb.address])(()).devices == ()
    found = Newcomers([fake_adb.address], ["STARTING"])(())
    assert [c.name for c in found.conditions[fake_adb.address, "ONE"]] == ["STARTING"]


def test_a_newcomer_that_cannot_be_used_is_asked_again_after_a_while(
    fake_adb: Any, add_phone: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_phone("OLD", features="cmd")
    probe = discovery._probe
    asked: list[str] = []
    now = [1000.0]

    def counted(entry: Any, allow: Any) -> Any:
        asked.append(entry.serial)
        return probe(entry, allow)

    monkeypatch.setattr(discovery, "_probe", counted)
    monkeypatch.setattr(discovery, "time", SimpleNamespace(monotonic=lambda: now[0]))
    look = Newcomers([fake_adb.address])
    for _ in range(240):  # twelve minutes
        found = look(())
        assert (found.devices, [bad.state for bad in found.unusable]) == ((), ["no shell v2"])
        now[0] += 3.0
    assert len(asked) < 20
    fake_adb.phones["OLD"].features = "shell_v2,cmd,stat_v2"
    now[0] += discovery._LATER_S
    assert [device.serial for device in look(()).devices] == ["OLD"]


def test_a_newcomer_with_the_number_of_a_phone_in_the_run_is_told_from_it(
    fake_adb: Any, add_phone: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts = iter(["one", "two", "one"])
    monkeypatch.setattr(AdbDevice, "_read_identity", of_another_start(AdbDevice._read_identity, starts))
    add_phone("10.0.0.7:1", {"ro.serialno": "ABC"})
    (first,) = find([], [fake_adb.address]).devices
    add_phone("10.0.0.8:1", {"ro.serialno": "ABC"})
    found = Newcomers([fake_adb.address])({key_of(first)}, [first])
    (second,) = found.devices
    assert PhoneId.of(second.identity).digest != PhoneId.of(first.identity).digest
    assert [c.name for c in found.conditions[key_of(second)]] == ["SAME_SERIAL"]
    assert not PhoneId.of(second.identity).is_same(PhoneId.of(first.identity))


def test_another_connection_to_a_phone_in_the_run_is_no_phone_with_its_number(fake_adb: Any, add_phone: Any) -> None:
    add_phone("10.0.0.7:1", {"ro.serialno": "ABC"})
    (first,) = find([], [fake_adb.address]).devices
    add_phone("10.0.0.8:1", {"ro.serialno": "ABC"})
    (again,) = Newcomers([fake_adb.address])({key_of(first)}, [first]).devices
    assert PhoneId.of(again.identity).digest == PhoneId.of(first.identity).digest
    assert find([], [fake_adb.address]).devices[0].identity.serialno_is_shared is False


def test_phones_of_two_servers_with_one_serial_have_conditions_of_their_own(
    fake_adb: Any, another_adb: Any, add_phone: Any
) -> None:
    another_adb.phones["ONE"] = add_phone("ONE", {"ro.serialno": "A1B2C3"})
    add_phone("ONE", {"sys.boot_completed": ""})
    found = find([], [fake_adb.address, another_adb.address], allow=["STARTING"])
    assert set(found.conditions) == {(fake_adb.address, "ONE")}
