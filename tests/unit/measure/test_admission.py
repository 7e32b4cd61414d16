"""Devices with a condition that stops are as good as unusable; others are stamped with what they have."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest

from harness.control.conditions.modes import BATTERY_SAVER
from harness.devices.base import Attached, Device, Identity, Unusable
from harness.errors import DeviceError, NoDeviceError
from harness.measure.admission import admitted, ask_held, check_mended
from harness.measure.context import Context
from harness.measure.request import Request
from harness.model.condition import Condition
from harness.model.policy import PhoneSettings, load_policy
from harness.model.suite import load_suite
from tests.unit.control.conditions.fakes import ELSEWHERE, SETTINGS, FakePhone

pytestmark = pytest.mark.unit

EMPTY = "level: 3\nscale: 100\nstatus: 2\n"


def phone(serial: str, *, empty: bool = False) -> FakePhone:
    made = FakePhone(Identity(serial, "adb", model="Pixel 3", sdk=31, host="h:1"))
    if empty:
        made.answers["dumpsys battery"] = EMPTY
    return made


def context(*phones: FakePhone, allow: tuple[str, ...] = (), said: list[str] | None = None) -> Context:
    suite = load_suite("smoke")
    request = Request("smoke", suite.layers, load_policy("smoke"), suite.algorithms, 1, allow=allow)
    attached = Attached(
        tuple(cast(Device, each) for each in phones), (Unusable("U", "offline", "plug it in", ("OFFLINE",)),)
    )
    say = (said if said is not None else []).append
    return Context(request, attached, say, lambda: nullcontext(threading.Event()))


def test_an_empty_phone_beside_a_full_one() -> None:
    full, empty = phone("A"), phone("B", empty=True)
    usable, admission = admitted(context(full, empty))
    assert [device.serial for device in usable.usable()] == ["A"]
    assert usable.some_unusable
    refused = usable.attached.unusable[-1]
    assert refused.serial == "B"
    assert refused.state.startswith("not measured, LOW_BATTERY (the battery is at 3 %")
    assert refused.remedy.endswith("or measure all the same: --allow LOW_BATTERY")
    assert list(admission.of(cast(Device, full))) == []


def test_an_empty_phone_alone_is_no_usable_device() -> None:
    usable, _ = admitted(context(phone("B", empty=True)))
    with pytest.raises(NoDeviceError, match="LOW_BATTERY"):
        usable.usable()


def test_what_is_allowed_is_measured_and_stamped() -> None:
    empty = phone("B", empty=True)
    usable, admission = admitted(context(empty, allow=("LOW_BATTERY",)))
    assert [device.serial for device in usable.usable()] == ["B"]
    assert [condition.name for condition in admission.of(cast(Device, empty))] == ["LOW_BATTERY", "CHARGING"]


def test_what_is_not_known_is_said_and_stops_nothing() -> None:
    silent, said = phone("A"), list[str]()
    silent.answers["dumpsys battery"] = "noise"
    usable, admission = admitted(context(silent, said=said))
    assert [device.serial for device in usable.usable()] == ["A"]
    assert "pixel-3: LOW_BATTERY, HOT, CHARGING not known: dumpsys battery gives no level" in said
    assert list(admission.of(cast(Device, silent))) == []


def test_phones_of_two_servers_with_one_serial_are_told_apart() -> None:
    here, there = phone("A"), phone("A", empty=True)
    there.identity = Identity("A", "adb", model="Pixel 3", sdk=31, host="h:2")
    _, admission = admitted(context(here, there, allow=("LOW_BATTERY",)))
    assert list(admission.of(cast(Device, here))) == []
    assert len(admission.of(cast(Device, there))) == 2


@pytest.mark.parametrize("switches_off", [False, True])
def test_battery_saver_stops_nothing_where_the_run_switches_it_off(
    monkeypatch: pytest.MonkeyPatch, switches_off: bool
) -> None:
    saving = phone("A")
    monkeypatch.setitem(SETTINGS, "global", "low_power=1\nadb_enabled=1\n")
    asked = context(saving)
    policy = asked.request.policy.model_copy(update={"settings": PhoneSettings(battery_saver_off=switches_off)})
    usable, admission = admitted(replace(asked, request=replace(asked.request, policy=policy)))
    assert bool(usable.attached.devices) is switches_off
    assert list(admission.of(cast(Device, saving))) == [BATTERY_SAVER] * switches_off  # for the run to look at again


@pytest.mark.parametrize(
    ("low_power", "allow", "found"),
    [
        (None, (), None),
        ("0", (), None),
        ("1", (), "does not let it be switched off"),
        ("1", ("LOW_POWER_MODE",), "does not let it be switched off"),
        (DeviceError("settings: exit code 255"), (), "cannot be told whether it is off: settings: exit code 255"),
        (DeviceError("settings: exit code 255"), ("LOW_POWER_MODE",), "cannot be told whether it is off"),
    ],
)
def test_battery_saver_that_stays_on_refuses_or_is_stamped(
    low_power: str | DeviceError | None, allow: tuple[str, ...], found: str | None
) -> None:
    def get_setting(*_: str, **__: object) -> str | None:
        if isinstance(low_power, DeviceError):
            raise low_power
        return low_power

    device = cast(Device, SimpleNamespace(serial="A", identity=phone("A").identity, get_setting=get_setting))
    if found is not None and not allow:
        with pytest.raises(DeviceError, match=rf"(?s)LOW_POWER_MODE.*{found}.*--allow LOW_POWER_MODE"):
            check_mended(device, BATTERY_SAVER, allow)
        return
    stamp = check_mended(device, BATTERY_SAVER, allow)
    assert (stamp is None) is (found is None)
    assert stamp is None or (stamp.name == "LOW_POWER_MODE" and str(found) in stamp.what)


def test_a_phone_in_use_is_asked_once_it_is_free() -> None:
    busy, said = phone("A", empty=True), list[str]()
    busy.holder = ELSEWHERE
    usable, admission = admitted(context(busy, said=said))
    device = cast(Device, busy)
    assert usable.attached.devices == (device,) and admission.is_to_ask(device) and busy.asked == ["lock"]
    assert said[-1] == f"pixel-3: in use by {ELSEWHERE}: it is asked for its conditions once it is free"
    with pytest.raises(DeviceError, match=r"(?s)LOW_BATTERY .*--allow LOW_BATTERY"):
        ask_held(device, (), said.append, ())
    assert [stamp.name for stamp in ask_held(device, ("LOW_BATTERY",), said.append, ())] == ["LOW_BATTERY", "CHARGING"]
    assert not admitted(context(phone("B")))[1].in_use


def test_what_was_seen_when_a_phone_was_found_counts_too() -> None:
    started, said = phone("A"), list[str]()
    asked = context(started, allow=("STARTING",), said=said)
    seen = (Condition("STARTING", "it does not say so"), Condition("TWO_CONNECTIONS", "by USB and network"))
    asked = replace(asked, attached=replace(asked.attached, conditions={("h:1", "A"): seen}))
    _, admission = admitted(asked)
    assert [condition.name for condition in admission.of(cast(Device, started))] == ["STARTING"]
    assert any(text.startswith("pixel-3: TWO_CONNECTIONS: by USB and network") for text in said)
    refused, _ = admitted(replace(asked, request=replace(asked.request, allow=())))
    assert "--allow STARTING" in refused.attached.unusable[-1].remedy
