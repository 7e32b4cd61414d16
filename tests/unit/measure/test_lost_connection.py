"""Calls to a phone whose connection breaks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.devices.base import Device
from harness.errors import DeviceError, DeviceLost, WrongDevice
from harness.measure import lost_connection
from harness.store.journal import EventLog, read_lines

pytestmark = pytest.mark.unit


class Phone:
    """Fails as often as it is told."""

    serial = "S1"

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.calls = 0
        self.reconnected: list[bool] = []
        self.is_another = False

    def confirm(self) -> None:
        if self.is_another:
            raise WrongDevice("another phone answers at S1")

    def free_bytes(self, path: str) -> int:
        self.calls += 1
        if self.failures:
            raise self.failures.pop(0)
        return len(path)

    spawn = free_bytes

    def reconnect(self, only_if_forgotten: bool = False) -> None:
        self.reconnected.append(only_if_forgotten)


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    monkeypatch.setattr(lost_connection, "_AGAIN_S", 0.001)
    stop = threading.Event()
    return lambda phone: lost_connection.patient(cast(Device, phone), EventLog(tmp_path / "events.jsonl"), stop)


def test_a_call_is_repeated_until_the_phone_is_back(make: Callable[..., Any], tmp_path: Path) -> None:
    phone = Phone(DeviceLost("a"), DeviceLost("b"))
    device = make(phone)
    assert device.free_bytes("/tmp") == 4
    assert (phone.calls, device.serial) == (3, "S1")
    assert [e["event"] for e in read_lines(tmp_path / "events.jsonl")] == ["connection lost", "connection back"]


def test_a_phone_lost_for_good_and_other_errors_are_errors(
    make: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DeviceError, match="full"):
        make(Phone(DeviceError("full"))).free_bytes("/tmp")
    monkeypatch.setattr(lost_connection, "LOST_FOR_GOOD_S", 0.01)
    phone = Phone(*[DeviceLost("usb")] * 100)
    with pytest.raises(DeviceLost):
        make(phone).free_bytes("/tmp")
    assert 1 < phone.calls < 100


def test_after_a_loss_another_phone_at_that_address_is_left_alone(make: Callable[..., Any], tmp_path: Path) -> None:
    phone = Phone(DeviceLost("wifi"))
    phone.is_another = True
    device = make(phone)
    for _ in range(2):
        with pytest.raises(WrongDevice):
            device.free_bytes("/tmp")
    assert phone.calls == 1
    assert [e["event"] for e in read_lines(tmp_path / "events.jsonl")] == ["connection lost"]
    phone.is_another = False
    assert device.free_bytes("/tmp") == 4


def test_another_phone_that_was_only_asked_who_it_is_is_left_alone(make: Callable[..., Any]) -> None:
    phone = Phone()
    phone.is_another = True
    device = make(phone)
    for call in (device.confirm, lambda: device.free_bytes("/tmp")):
        with pytest.raises(WrongDevice):
            call()
    assert phone.calls == 0


def test_a_program_is_not_started_twice(make: Callable[..., Any]) -> None:
    phone = Phone(DeviceLost("usb"))
    with pytest.raises(DeviceLost):
        make(phone).spawn("x")
    assert phone.calls == 1


def test_who_waits_is_told_at_once_and_all_share_one_patience(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lost_connection, "LOST_FOR_GOOD_S", 0.05)
    monkeypatch.setattr(lost_connection, "_AGAIN_S", 0.001)
    told: list[Any] = []
    events, stop = EventLog(tmp_path / "events.jsonl"), threading.Event()
    connection = lost_connection.Connection(events, stop, told.append, lambda: told.append("back"))
    connection.broke(DeviceLost("usb"))
    assert told == [0.05]
    connection.works()
    assert told == [0.05, "back"]
    phone = Phone(*[DeviceLost("usb")] * 1000)
    with pytest.raises(DeviceLost):
        lost_connection.patient(cast(Device, phone), events, stop, connection).free_bytes("/tmp")
    before = phone.calls
    with pytest.raises(DeviceLost):  # gave up once: no second wait
        lost_connection.patient(cast(Device, phone), events, stop, connection).free_bytes("/tmp")
    assert phone.calls == before + 1


def test_a_policy_shortens_the_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lost_connection, "_AGAIN_S", 0.001)
    told: list[float] = []
    connection = lost_connection.Connection(
        EventLog(tmp_path / "events.jsonl"), threading.Event(), told.append, cap_s=0.02
    )
    phone = Phone(*[DeviceLost("usb")] * 1000)
    with pytest.raises(DeviceLost):
        lost_connection.patient(
            cast(Device, phone), EventLog(tmp_path / "events.jsonl"), threading.Event(), connection
        ).free_bytes("/tmp")
    assert told == [0.02]
    assert 1 < phone.calls < 1000


def test_a_stop_shortens_the_wait(tmp_path: Path) -> None:
    told: list[float] = []
    stop = threading.Event()
    connection = lost_connection.Connection(EventLog(tmp_path / "events.jsonl"), stop, told.append)
    connection.broke(DeviceLost("usb"))
    stop.set()
    connection.broke(DeviceLost("usb"))
    connection.broke(DeviceLost("usb"))
    assert told == [lost_connection.LOST_FOR_GOOD_S, pytest.approx(lost_connection._STOPPING_S, abs=0.5)]


def test_a_loss_that_lasts_is_reconnected_once_and_then_where_the_server_has_forgotten_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A phone on the network may be away for as long as it takes to start: the server gives it up before that."""
    now = [1000.0]

    def forward(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr(lost_connection, "time", SimpleNamespace(monotonic=lambda: now[0], sleep=forward))
    phone = Phone(*[DeviceLost("usb")] * 35)
    device = lost_connection.patient(cast(Device, phone), EventLog(tmp_path / "events.jsonl"), threading.Event())
    assert device.free_bytes("/tmp") == 4
    assert phone.reconnected == [False, True, True]
    assert [e["event"] for e in read_lines(tmp_path / "events.jsonl")] == [
        *("connection lost", "reconnecting", "connection back")
    ]


class Settings(Phone):
    """A phone whose connection breaks after, or before, it took a value."""

    def __init__(self, *, takes_it: bool) -> None:
        super().__init__()
        self.value: str | None = "0"
        self.writes = 0
        self.takes_it = takes_it

    def get_setting(self, namespace: str, key: str) -> str | None:
        return self.value

    def put_setting(self, namespace: str, key: str, value: str | None) -> None:
        self.writes += 1
        if self.writes > 1 or self.takes_it:
            self.value = value
        if self.writes == 1:
            raise DeviceLost("usb")


@pytest.mark.parametrize(("takes_it", "writes"), [(True, 1), (False, 2)])
def test_a_setting_is_written_again_only_where_it_is_not_there(
    make: Callable[..., Any], takes_it: bool, writes: int
) -> None:
    phone = Settings(takes_it=takes_it)
    make(phone).put_setting("global", "k", "7")
    assert (phone.value, phone.writes) == ("7", writes)
