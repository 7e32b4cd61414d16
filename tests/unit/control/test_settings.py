"""Changed settings come back, by whatever way the run ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import pytest

from harness.control import settings
from harness.devices.base import Device
from harness.errors import DeviceError, DeviceLost, InfrastructureError
from harness.store import journal

pytestmark = pytest.mark.unit

KEY = ("global", "stay_on_while_plugged_in")


class Phone:
    """Holds settings; can refuse or lose the connection."""

    serial = "SERIAL1"

    def __init__(self, value: str | None) -> None:
        self.values: dict[tuple[str, str], str | None] = {KEY: value}
        self.refuses = self.lost = False

    def get_setting(self, namespace: str, key: str) -> str | None:
        if self.lost:
            raise DeviceLost("gone")
        return self.values.get((namespace, key))

    def put_setting(self, namespace: str, key: str, value: str | None) -> None:
        if self.lost:
            raise DeviceLost("gone")
        if self.refuses:
            raise DeviceError(f"settings {namespace} {key} is not {value!r}")
        self.values[namespace, key] = value

    @property
    def device(self) -> Device:
        return cast(Device, self)


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


def steps(journal: Path) -> list[str]:
    return [json.loads(line)["step"] for line in journal.read_text().splitlines()]


@pytest.mark.parametrize("before", ["0", "3", None])
def test_put_back_at_the_end(tmp_path: Path, before: str | None) -> None:
    phone, journal = Phone(before), tmp_path / "settings.jsonl"
    with settings.kept_awake(phone.device, journal, print):
        assert phone.values[KEY] == "7"
        assert settings.pending(phone.serial) is not None
    assert phone.values[KEY] == before
    assert settings.pending(phone.serial) is None
    assert steps(journal) == ["read", "changed", "verified", "restored"]
    values = [json.loads(line)["value"] for line in journal.read_text().splitlines()]
    assert values == [before, "7", "7", before]  # what is there after each step


def test_saved_value_is_on_disk_before_the_change(tmp_path: Path) -> None:
    phone, journal = Phone("1"), tmp_path / "settings.jsonl"
    real, seen = phone.put_setting, []

    def put(namespace: str, key: str, value: str | None) -> None:
        seen.append((settings.pending(phone.serial), steps(journal)))
        real(namespace, key, value)

    phone.put_setting = put  # type: ignore[method-assign]
    with settings.kept_awake(phone.device, journal, print):
        pass
    assert seen[0] == (settings.Change(*KEY, "1", "7"), ["read"])


def test_already_ours_is_not_touched(tmp_path: Path) -> None:
    phone = Phone("7")
    with settings.kept_awake(phone.device, tmp_path / "s.jsonl", print):
        assert settings.pending(phone.serial) is None
    assert phone.values[KEY] == "7"


def test_after_a_kill_the_next_run_restores_first(tmp_path: Path) -> None:
    phone = Phone("2")
    context = settings.kept_awake(phone.device, tmp_path / "a.jsonl", print)
    context.__enter__()
    phone.lost = True  # the host is killed here: nothing is put back
    with pytest.raises(DeviceError, match=r"not put back yet.*\n.*harness restore"):
        context.__exit__(None, None, None)
    phone.lost = False
    assert phone.values[KEY] == "7"
    assert settings.pending_serials() == [phone.serial]
    with settings.kept_awake(phone.device, tmp_path / "b.jsonl", print):
        assert settings.pending(phone.serial) == settings.Change(*KEY, "2", "7")
    assert phone.values[KEY] == "2"


@pytest.mark.parametrize("failing", ["changed", "verified"])
def test_put_back_when_the_disk_is_full_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    real = journal.append_line

    def append(path: Path, value: dict[str, object], *, durable: bool = False) -> None:
        if value["step"] == failing:
            raise InfrastructureError("full")
        real(path, value, durable=durable)

    monkeypatch.setattr(settings, "append_line", append)
    phone = Phone("1")
    with pytest.raises(InfrastructureError, match="full"), settings.kept_awake(phone.device, tmp_path / "s", print):
        pass
    assert phone.values[KEY] == "1"
    assert settings.pending(phone.serial) is None


def test_put_back_when_the_connection_breaks_after_the_change(tmp_path: Path) -> None:
    phone = Phone("1")
    real = phone.put_setting

    def put(namespace: str, key: str, value: str | None) -> None:
        real(namespace, key, value)
        if value == "7":
            raise DeviceLost("no answer came back")

    phone.put_setting = put  # type: ignore[method-assign]
    with pytest.raises(DeviceLost), settings.kept_awake(phone.device, tmp_path / "s", print):
        pass
    assert phone.values[KEY] == "1"


def test_a_foreign_value_is_left_and_said(tmp_path: Path) -> None:
    phone = Phone("0")
    said: list[str] = []
    with settings.kept_awake(phone.device, tmp_path / "s.jsonl", said.append):
        phone.values[KEY] = "5"
    assert phone.values[KEY] == "5"
    assert len(said) == 1 and "'5'" in said[0] and "left as it is" in said[0]
    assert steps(tmp_path / "s.jsonl")[-1] == "left"
    assert settings.restore(phone.device) is None


def test_a_phone_that_refuses_is_told(tmp_path: Path) -> None:
    phone = Phone("0")
    phone.refuses = True
    with pytest.raises(DeviceError, match="stay_on"), settings.kept_awake(phone.device, tmp_path / "s.jsonl", print):
        pass
    assert settings.pending(phone.serial) is None


@pytest.mark.parametrize("silently", [True, False])
def test_a_phone_that_does_not_take_the_saved_value_is_told(tmp_path: Path, silently: bool) -> None:
    phone, journal = Phone("1"), tmp_path / "s.jsonl"
    with pytest.raises(DeviceError, match="not put back yet"), settings.kept_awake(phone.device, journal, print):
        if silently:
            phone.put_setting = lambda *_: None  # type: ignore[method-assign]
        else:
            phone.refuses = True
    last = json.loads(journal.read_text().splitlines()[-1])
    assert (last["step"], last["saved"], last["value"]) == ("restore failed", "1", "7")
    assert settings.pending(phone.serial) is not None
