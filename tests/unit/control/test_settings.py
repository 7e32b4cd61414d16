"""Changed settings come back, by whatever way the run ends."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.control import settings
from harness.control.setting import TABLE
from harness.devices.base import Device
from harness.devices.phone_id import PhoneId
from harness.errors import DeviceError, DeviceLost, InfrastructureError
from harness.model.condition import Condition
from harness.model.policy import PhoneSettings
from harness.store import journal
from tests.settings_phone import FIRST, Killed, Phone

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("state")]

AWAKE = "stay_on_while_plugged_in"
ALL = PhoneSettings(battery_saver_off=True, dim_screen=True, fixed_performance=True, airplane_mode=True)
ONLY_AWAKE = PhoneSettings(screen_timeout_off=False)


class Stamps(list[Condition]):
    """The conditions of a measurement."""

    def text(self, name: str) -> str:
        (found,) = (condition.what for condition in self if condition.name == name)
        return found


@pytest.fixture
def stamps() -> Stamps:
    return Stamps()


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def steps(file: Path) -> list[str]:
    return [line["step"] for line in lines(file)]


def waiting(phone: Phone) -> dict[str, str | None]:
    """What both journals have of it."""
    here = {change.setting: change.saved for change in settings.pending(PhoneId.of(phone.identity))}
    on_it = phone.files.get("/data/local/tmp/.harness-settings.json")
    there = {} if on_it is None else {c["setting"]: c["saved"] for c in json.loads(on_it)["changes"]}
    assert here == there
    return here


def killed(phone: Phone, wanted: PhoneSettings, file: Path) -> None:
    """A run that dies while it measures."""
    with pytest.raises(Killed), settings.applied(phone.device, wanted, file, Stamps().append):
        phone.dies_after = 0
        raise Killed
    phone.dies_after = -1


@pytest.mark.parametrize("before", ["0", "3", None])
def test_put_back_at_the_end(tmp_path: Path, phone: Phone, stamps: Stamps, before: str | None) -> None:
    phone.values[AWAKE], file = before, tmp_path / "settings.jsonl"
    with settings.applied(phone.device, ONLY_AWAKE, file, stamps.append):
        assert phone.values[AWAKE] == "7"
        assert waiting(phone) == {"stay_awake": before}
    assert phone.values[AWAKE] == before
    assert waiting(phone) == {} and phone.files == {} and stamps == []
    assert steps(file) == ["read", "changed", "verified", "restored"]
    assert [line["value"] for line in lines(file)] == [before, "7", "7", before]  # what is there after each step


def test_all_are_written_down_before_the_first_and_put_back_in_reverse_order(
    tmp_path: Path, phone: Phone, stamps: Stamps
) -> None:
    phone.serial, phone.identity = "8A9X0B1C2", Phone("8A9X0B1C2").identity  # by a cable
    first_put: list[dict[str, str | None]] = []
    real = phone.put_setting

    def put(namespace: str, key: str, value: str | None, **named: float) -> None:
        first_put.append(waiting(phone))
        real(namespace, key, value, **named)

    phone.put_setting = put  # type: ignore[method-assign]
    file = tmp_path / "settings.jsonl"
    with settings.applied(phone.device, ALL, file, stamps.append):
        assert (phone.values["screen_brightness"], phone.values["airplane_mode_on"], phone.fixed) == ("1", "1", "true")
    assert list(first_put[0]) == [name for name in TABLE if name != "screen_timeout"]  # a cable keeps it awake
    assert (phone.values, phone.fixed, phone.files) == (FIRST, "false", {})
    done = [line["setting"] for line in lines(file) if line["step"] in ("restored", "reset")]
    assert done == list(first_put[0])[::-1]
    assert stamps == []


def test_airplane_mode_never_on_a_phone_reached_over_the_network(tmp_path: Path, phone: Phone, stamps: Stamps) -> None:
    with settings.applied(phone.device, ALL, tmp_path / "s.jsonl", stamps.append):
        assert phone.values["airplane_mode_on"] == "0"
        assert phone.values["screen_off_timeout"] == "2147483647"
    assert not [call for call in phone.calls if "airplane" in call]
    assert stamps.text("SETTING_REFUSED") == "airplane_mode: left alone, because the phone is reached over the network"


def test_already_ours_is_not_touched(tmp_path: Path, phone: Phone, stamps: Stamps) -> None:
    phone.values[AWAKE] = "7"
    with settings.applied(phone.device, ONLY_AWAKE, tmp_path / "s.jsonl", stamps.append):
        assert waiting(phone) == {}
    assert phone.calls == ["read", f"get {AWAKE}"]


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"refuses": {AWAKE}}, "stay_awake: settings put"),
        ({"ignores": {AWAKE}}, "stay_awake: is '1' after writing '7'"),
        ({"unreadable": {AWAKE}}, "no value, but 'WARNING: linker'"),
        ({"hangs": {"settings"}}, "settings took longer than 10 s"),
    ],
)
def test_a_phone_that_refuses_is_measured_all_the_same(
    tmp_path: Path, phone: Phone, stamps: Stamps, fault: dict[str, set[str]], told: str
) -> None:
    vars(phone).update(fault)
    measured = False
    with settings.applied(phone.device, PhoneSettings(), tmp_path / "s.jsonl", stamps.append):
        measured = True
    assert measured and phone.values == FIRST and waiting(phone) == {}
    assert told in stamps.text("SETTING_REFUSED")
    assert "USB debugging (Security settings)" in stamps[0].text
    if "hangs" in fault:
        assert phone.calls == ["read", f"get {AWAKE}"]  # it is not waited for again


def test_a_mode_that_the_phone_does_not_have_is_forgotten(tmp_path: Path, phone: Phone, stamps: Stamps) -> None:
    phone.refuses.add("fixed")
    with settings.applied(phone.device, ALL, tmp_path / "s.jsonl", stamps.append):
        assert "fixed_performance" not in waiting(phone)
    assert "fixed_performance: cmd power set-fixed" in stamps.text("SETTING_REFUSED")
    assert waiting(phone) == {} and phone.values == FIRST


def test_a_command_that_hung_may_have_done_it(tmp_path: Path, phone: Phone, stamps: Stamps) -> None:
    phone.hangs.add("cmd")
    with (
        pytest.raises(DeviceError, match="not put back yet: fixed_performance: cmd took longer"),
        settings.applied(phone.device, ALL, tmp_path / "s.jsonl", stamps.append),
    ):
        assert (phone.fixed, waiting(phone)["fixed_performance"]) == ("true", "false")
    phone.hangs.clear()
    assert settings.restore(phone.device).failed == []
    assert (phone.fixed, waiting(phone)) == ("false", {})


def test_writing_that_never_ends_and_has_no_effect_is_one_warning(tmp_path: Path, phone: Phone, stamps: Stamps) -> None:
    phone.hangs, phone.ignores = {"settings put"}, {*FIRST}
    with settings.applied(phone.device, PhoneSettings(), tmp_path / "s.jsonl", stamps.append):
        pass
    told = stamps.text("SETTING_REFUSED").split("; ")
    assert told == [f"{name}: settings took longer than 10 s" for name in ("stay_awake", "screen_timeout")]
    assert len([call for call in phone.calls if call.startswith("put")]) == 1  # it is not waited for again
    assert waiting(phone) == {} and phone.values == FIRST


def test_writing_that_never_ends_and_has_its_effect_is_put_back(tmp_path: Path, phone: Phone, stamps: Stamps) -> None:
    phone.hangs = {"settings put"}
    with settings.applied(phone.device, ONLY_AWAKE, tmp_path / "s.jsonl", stamps.append):
        assert (phone.values[AWAKE], waiting(phone)) == ("7", {"stay_awake": "1"})
    assert waiting(phone) == {} and phone.values == FIRST


def test_writing_that_never_ends_and_has_its_effect_late_is_put_back(
    tmp_path: Path, phone: Phone, stamps: Stamps
) -> None:
    phone.hangs, phone.ignores = {"settings put"}, {AWAKE}
    with settings.applied(phone.device, ONLY_AWAKE, tmp_path / "s.jsonl", stamps.append):
        phone.ignores.clear()
        phone.values[AWAKE] = "7"
    assert waiting(phone) == {} and phone.values == FIRST


def test_what_an_older_android_lacks_is_not_tried(tmp_path: Path, stamps: Stamps) -> None:
    phone = Phone(sdk=28)
    with settings.applied(phone.device, ALL, tmp_path / "s.jsonl", stamps.append):
        assert phone.fixed == "false"
    assert "fixed_performance: Android 28 does not have it" in stamps.text("SETTING_REFUSED")


def test_what_cannot_be_read_is_reset_to_its_default_also_after_a_kill(tmp_path: Path, phone: Phone) -> None:
    killed(phone, ALL, tmp_path / "a.jsonl")
    assert phone.fixed == "true" and waiting(phone)["fixed_performance"] == "false"
    phone.refuses.add("fixed")
    assert "cmd power" in settings.restore(phone.device).failed[0]
    assert waiting(phone) == {"fixed_performance": "false"}
    with (
        pytest.raises(DeviceError, match="not put back yet"),
        settings.applied(phone.device, ALL, tmp_path / "b.jsonl", Stamps().append),
    ):
        pass  # it is changed once, and remembered once
    restarted = Phone()
    restarted.values, restarted.files, restarted.refuses = phone.values, phone.files, {"fixed"}
    restarted.identity = replace(phone.identity, boot_id="boot-2")
    assert settings.restore(restarted.device).done == [
        "fixed_performance: the phone has started anew since it was changed"
    ]
    assert waiting(restarted) == {}


@pytest.mark.parametrize("serial", ["192.168.0.9:5555", "192.168.0.9:41233", "8A9X0B1C2"])
def test_after_a_kill_put_back_under_any_address_by_any_host(
    tmp_path: Path, phone: Phone, monkeypatch: pytest.MonkeyPatch, serial: str
) -> None:
    killed(phone, ALL, tmp_path / "a.jsonl")
    assert len(waiting(phone)) == 6 and phone.values != FIRST
    back = Phone(serial)
    back.values, back.files, back.fixed = phone.values, phone.files, phone.fixed
    if serial == "8A9X0B1C2":
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another host"))
    done = settings.restore(back.device)
    assert (len(done.done), done.left, done.failed) == (6, [], [])
    assert (back.values, back.fixed, back.files) == (FIRST, "false", {})
    assert settings.pending_phones() == []


def test_another_phone_under_the_address_is_left_alone(tmp_path: Path, phone: Phone) -> None:
    killed(phone, ONLY_AWAKE, tmp_path / "a.jsonl")
    other = Phone(phone.serial, serialno="CE0117")
    other.values[AWAKE] = "7"
    assert settings.restore(other.device) == settings.Restored()
    assert other.values[AWAKE] == "7"
    (pending,) = settings.pending_phones()
    assert (pending.address, pending.title) == (phone.serial, "Pixel 3")


def test_the_next_run_puts_back_first(tmp_path: Path, phone: Phone, stamps: Stamps) -> None:
    killed(phone, ONLY_AWAKE, tmp_path / "a.jsonl")
    file = tmp_path / "b.jsonl"
    with settings.applied(phone.device, ONLY_AWAKE, file, stamps.append):
        assert waiting(phone) == {"stay_awake": "1"}
    assert steps(file) == ["restored", "read", "changed", "verified", "restored"]
    assert phone.values == FIRST


def test_what_cannot_be_put_back_yet_is_not_forgotten_by_the_next_run(
    tmp_path: Path, phone: Phone, stamps: Stamps
) -> None:
    killed(phone, ONLY_AWAKE, tmp_path / "a.jsonl")
    phone.unreadable.add(AWAKE)  # noise before the value
    with (
        pytest.raises(DeviceError, match=r"not put back yet.*\n.*harness restore"),
        settings.applied(phone.device, ONLY_AWAKE, tmp_path / "b.jsonl", stamps.append),
    ):
        assert waiting(phone) == {"stay_awake": "1"}
    assert "not put back from an earlier run: stay_awake" in stamps.text("PENDING_SETTINGS")
    phone.unreadable.clear()
    settings.restore(phone.device)
    assert phone.values == FIRST and waiting(phone) == {}


def test_the_connection_is_gone_at_the_end(tmp_path: Path, phone: Phone, stamps: Stamps) -> None:
    with (
        pytest.raises(DeviceError, match=r"not put back yet: gone\n.*harness restore"),
        settings.applied(phone.device, ALL, tmp_path / "a.jsonl", stamps.append),
    ):
        phone.lost = True
    phone.lost = False
    settings.restore(phone.device)
    assert phone.values == FIRST and waiting(phone) == {}


def test_put_back_when_the_connection_breaks_after_the_change(tmp_path: Path, phone: Phone, stamps: Stamps) -> None:
    real = phone.put_setting

    def put(namespace: str, key: str, value: str | None, **named: float) -> None:
        real(namespace, key, value, **named)
        if value == "7":
            raise DeviceLost("no answer came back")

    phone.put_setting = put  # type: ignore[method-assign]
    with pytest.raises(DeviceLost), settings.applied(phone.device, ALL, tmp_path / "s", stamps.append):
        pass
    assert phone.values == FIRST and waiting(phone) == {}


@pytest.mark.parametrize("failing", ["changed", "verified", "restored"])
def test_put_back_when_the_disk_is_full_meanwhile(
    tmp_path: Path, phone: Phone, stamps: Stamps, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    real = journal.append_line

    def append(path: Path, value: dict[str, object], *, durable: bool = False) -> None:
        if value["step"] == failing:
            raise InfrastructureError("full")
        real(path, value, durable=durable)

    monkeypatch.setattr(settings, "append_line", append)
    with (
        pytest.raises(InfrastructureError, match="full"),
        settings.applied(phone.device, ALL, tmp_path / "s", stamps.append),
    ):
        pass
    assert phone.values == FIRST and waiting(phone) == {}


def test_without_room_on_the_phone_this_host_remembers_alone(tmp_path: Path, phone: Phone, stamps: Stamps) -> None:
    phone.is_full = True
    with settings.applied(phone.device, ONLY_AWAKE, tmp_path / "s.jsonl", stamps.append):
        assert phone.values[AWAKE] == "7"
        assert [c.saved for c in settings.pending(PhoneId.of(phone.identity))] == ["1"]
    assert "No space left" in stamps.text("JOURNAL_UNWRITABLE")
    assert phone.values == FIRST


def test_a_foreign_value_is_left_and_said(tmp_path: Path, phone: Phone, stamps: Stamps) -> None:
    with settings.applied(phone.device, ALL, tmp_path / "s.jsonl", stamps.append):
        phone.values[AWAKE], phone.values["screen_brightness"] = "5", "3"  # the phone rounds a brightness
    assert phone.values == {**FIRST, AWAKE: "5"}
    assert stamps.text("SETTING_CHANGED") == "stay_awake is '5', neither ours nor the saved '1': left as it is"
    assert waiting(phone) == {}


def test_a_value_that_the_phone_cut_down_is_put_back_too(tmp_path: Path, phone: Phone, stamps: Stamps) -> None:
    real = phone.put_setting

    def put(namespace: str, key: str, value: str | None, **named: float) -> None:
        real(namespace, key, "1800000" if value == "2147483647" else value, **named)

    phone.put_setting = put  # type: ignore[method-assign]
    with settings.applied(phone.device, PhoneSettings(), tmp_path / "s.jsonl", stamps.append):
        pass
    assert stamps.text("SETTING_REFUSED") == "screen_timeout: is '1800000' after writing '2147483647'"
    assert phone.values == FIRST


def test_battery_saver_that_stays_off_while_charging_is_no_failure(
    tmp_path: Path, phone: Phone, stamps: Stamps
) -> None:
    with settings.applied(phone.device, ALL, tmp_path / "s.jsonl", stamps.append):
        phone.ignores.add("low_power")
    assert "battery_saver is '0': the phone does not take '1' now" in stamps.text("SETTING_CHANGED")
    assert waiting(phone) == {}


@pytest.mark.parametrize("fault", ["ignores", "refuses"])
def test_a_phone_that_does_not_take_the_saved_value_is_told(
    tmp_path: Path, phone: Phone, stamps: Stamps, fault: str
) -> None:
    file = tmp_path / "s.jsonl"
    with (
        pytest.raises(DeviceError, match="not put back yet: stay_awake"),
        settings.applied(phone.device, ALL, file, stamps.append),
    ):
        getattr(phone, fault).add(AWAKE)
    last = lines(file)[-1]
    assert (last["step"], last["setting"], last["saved"], last["value"]) == ("restore failed", "stay_awake", "1", "7")
    assert waiting(phone) == {"stay_awake": "1"}
    assert phone.values == {**FIRST, AWAKE: "7"}  # all others are back


def test_a_setting_of_the_table_has_all_that_it_needs() -> None:
    for setting in TABLE.values():
        assert setting.wanted_by in PhoneSettings.model_fields
        assert setting.is_like(setting.ours) and setting.is_like(setting.default)
        assert setting.is_readable or setting.default is not None
        assert setting.is_readable or setting.command
    assert {setting.wanted_by for setting in TABLE.values()} == set(PhoneSettings.model_fields)


def test_this_is_the_interface_of_a_device(phone: Phone) -> None:
    for name in ("get_setting", "put_setting", "run", "read_files", "work_root"):
        assert hasattr(Device, name) and hasattr(phone, name)
