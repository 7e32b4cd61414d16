"""harness restore: which phones, what is said, which exit code."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest

from harness.cli import restore
from harness.control import settings_journal
from harness.control.lease import Lease
from harness.control.orphans import Swept
from harness.control.settings_journal import Change
from harness.devices import discovery
from harness.devices.base import Attached, Unusable
from harness.devices.phone_id import PhoneId
from harness.errors import DeviceError, InfrastructureError, NoDeviceError
from harness.exit_codes import ExitCode
from harness.model.condition import Condition
from tests.settings_phone import FIRST, Phone

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def state(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(restore, "leased", lambda *_, **__: nullcontext(Lease()))
    monkeypatch.setattr(restore, "sweep", lambda *_, **__: Swept())  # test_restore_drop.py


def changed(phone: Phone) -> Phone:
    """As a killed run of this host left it."""
    phone.values["stay_on_while_plugged_in"] = "7"
    settings_journal.keep_here(PhoneId.of(phone.identity), [Change(setting="stay_awake", saved="1", ours="7")])
    return phone


def attach(monkeypatch: pytest.MonkeyPatch, *phones: Phone, unusable: tuple[Unusable, ...] = ()) -> None:
    found = Attached(tuple(phone.device for phone in phones), unusable)
    monkeypatch.setattr(discovery, "find", lambda *_: found)


def test_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    attach(monkeypatch, Phone())
    assert restore.Restore()().lines == ("nothing to restore",)


def test_a_phone_is_put_back_under_another_address(monkeypatch: pytest.MonkeyPatch) -> None:
    phone = changed(Phone("10.0.0.7:5555"))
    moved = Phone("10.0.0.8:41233")
    moved.values = phone.values
    attach(monkeypatch, moved)
    done = restore.Restore()()
    assert (done.code, done.lines) == (ExitCode.DONE, ("10.0.0.8:41233: stay_awake put back to '1'",))
    assert moved.values == FIRST


def test_a_phone_that_takes_no_lock_may_be_in_use(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = Condition("UNLOCKED", "/data/local/tmp/harness-lock cannot be written: Permission denied")
    monkeypatch.setattr(restore, "leased", lambda *_, **__: nullcontext(Lease((found,), alone=False)))
    swept: list[Any] = []

    def sweep(*_: Any, **__: Any) -> Swept:
        swept.append(1)
        return Swept()

    monkeypatch.setattr(restore, "sweep", sweep)
    phone = changed(Phone())
    attach(monkeypatch, phone)
    assert restore.Restore()().code == ExitCode.INFRASTRUCTURE
    told = capsys.readouterr().err
    assert "Permission denied" in told and "--allow UNLOCKED" in told
    assert phone.values != FIRST and swept == []
    assert restore.Restore(allow=["UNLOCKED"])().code == ExitCode.DONE
    assert phone.values == FIRST and swept == [1]


def test_a_phone_that_told_no_android_id_then_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    phone = changed(Phone("usb1", serialno="0123456789ABCDEF"))
    journal = (settings_journal.file_of(PhoneId.of(phone.identity))).read_text()
    phone.files["/data/local/tmp/.harness-settings.json"] = journal  # the same on both sides
    phone.identity = replace(phone.identity, second_mark="0a1b2c3d4e5f")
    attach(monkeypatch, phone)
    assert restore.Restore()().code == ExitCode.DONE
    assert phone.values == FIRST and settings_journal.all_kept_here(pytest.fail) == []


@pytest.mark.parametrize(
    ("unusable", "told"),
    [
        ((), "10.0.0.7:5555 (Pixel 3): not attached; its settings wait"),
        (
            (Unusable("10.0.0.7:5555", "unauthorized", "unlock the phone", ("UNAUTHORIZED",)),),
            "unauthorized: unlock the phone; its",
        ),
    ],
)
def test_a_phone_that_is_away_is_named_with_its_state(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], unusable: tuple[Unusable, ...], told: str
) -> None:
    changed(Phone("10.0.0.7:5555"))
    attach(monkeypatch, Phone("10.0.0.7:5555", serialno="CE0117"), unusable=unusable)  # another one has the address
    done = restore.Restore()()
    assert (done.code, done.lines) == (ExitCode.INFRASTRUCTURE, ())
    assert told in capsys.readouterr().err


def test_what_cannot_be_put_back_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    phone = changed(Phone())
    phone.refuses.add("stay_on_while_plugged_in")
    attach(monkeypatch, phone)
    assert restore.Restore()().code == ExitCode.INFRASTRUCTURE
    assert "stay_awake: settings put stay_on_while_plugged_in: exit code 255" in capsys.readouterr().err

    def held(*_: Any, **__: Any) -> Any:
        raise DeviceError("another harness run is using the device")

    monkeypatch.setattr(restore, "leased", held)
    assert restore.Restore()().code == ExitCode.INFRASTRUCTURE
    assert "another harness run is using" in capsys.readouterr().err


@pytest.mark.parametrize("error", [NoDeviceError("none"), InfrastructureError("no adb")])
def test_without_adb_it_says_what_waits(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    def fail(*_: Any) -> Any:
        raise error

    monkeypatch.setattr(discovery, "find", fail)
    with pytest.raises(type(error)):
        restore.Restore()()
    changed(Phone())
    assert restore.Restore()().code == ExitCode.INFRASTRUCTURE
    assert "not attached; its settings wait" in capsys.readouterr().err
