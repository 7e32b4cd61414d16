"""``verify`` and ``tune`` take and refuse the devices that ``run`` takes and refuses, in the same words."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any, cast

import pytest

from harness.control import quarantine
from harness.control.conditions import diagnosis
from harness.control.holder import Holder
from harness.devices.base import Attached, Device, Identity
from harness.devices.local import LocalDevice
from harness.devices.phone_id import PhoneId
from harness.errors import DeviceError, NoDeviceError
from harness.exit_codes import ExitCode
from harness.measure import campaign, holding
from harness.measure.context import Context
from harness.measure.once import tune, verify
from harness.measure.outcome import Results
from harness.measure.programs import Programs
from harness.measure.request import Request
from harness.measure.run import runner
from harness.model.condition import Condition
from harness.model.policy import load_policy
from harness.model.suite import load_suite
from harness.toolchain.builder import Built
from tests.unit.control.conditions.fakes import FakePhone

pytestmark = pytest.mark.unit

Do = Callable[[Context, Path], Any]

ONCE: dict[str, Do] = {
    "verify": lambda context, folder: verify.verify_all(context, None),
    "tune": lambda context, folder: tune.tune_all(context, 1, folder / "tables"),
}
ALL: dict[str, Do] = {**ONCE, "run": lambda context, folder: runner.start(context, folder / "run")}


def context(*devices: Any, allow: tuple[str, ...] = (), said: list[str] | None = None) -> Context:
    asked = Request("smoke", load_suite("smoke").layers, load_policy("quick"), ("auto",), 0, allow=allow)
    found = Attached(tuple(cast(Device, each) for each in devices))
    return Context(asked, found, (said if said is not None else []).append, lambda: nullcontext(threading.Event()))


def empty() -> FakePhone:
    phone = FakePhone(Identity("S1", "adb", model="Pixel 3", sdk=31, serialno="8A9X", host="h:1"))
    phone.answers["dumpsys battery"] = "level: 3\nscale: 100\nstatus: 3\n"
    return phone


@pytest.mark.parametrize("command", list(ALL))
def test_a_condition_that_stops(command: str, tmp_path: Path) -> None:
    with pytest.raises(
        NoDeviceError, match=r"pixel-3 is not measured, LOW_BATTERY \(the battery is at 3 %.*--allow LOW_BATTERY"
    ):
        ALL[command](context(empty()), tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", list(ALL))
def test_a_quarantine(command: str, tmp_path: Path) -> None:
    phone = FakePhone(Identity("S1", "adb", model="Pixel 3", sdk=31, serialno="8A9X"))
    quarantine.put(PhoneId.of(phone.identity), quarantine.UNKILLABLE)
    with pytest.raises(
        NoDeviceError, match=r"pixel-3 is not measured, QUARANTINED \(in quarantine until .*cannot be k"
    ):
        ALL[command](context(phone), tmp_path)


def once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str, asked: Context) -> Results[Any]:
    """With a program that ends at once, without anything."""
    file = tmp_path / "convbench"
    file.write_text("#!/bin/sh\n")
    built = Built(file, file, "0" * 40, "host", "host", 0.0, True, {})
    for module in (verify, tune):
        monkeypatch.setattr(module, "build_programs", lambda *_: Programs({"host": built}, "host"))
    monkeypatch.setattr(campaign, "_off_measured_cpus", lambda *_: nullcontext())
    done: Results[Any] = ONCE[command](asked, tmp_path)
    return done


@pytest.mark.parametrize("command", list(ONCE))
def test_beside_a_device_that_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str) -> None:
    done = once(monkeypatch, tmp_path, command, context(LocalDevice(tmp_path / "work"), empty()))
    assert [bad.conditions for bad in done.unusable] == [("LOW_BATTERY",)]
    assert [each.name for each in done.outcomes] == ["local"] and done.code == ExitCode.INFRASTRUCTURE


@pytest.mark.parametrize("command", list(ONCE))
def test_what_is_allowed_is_stamped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str) -> None:
    low = Condition("LOW_BATTERY", "the battery is at 3 %")
    monkeypatch.setattr(diagnosis, "CHECKS", {**diagnosis.CHECKS, "LOW_BATTERY": lambda facts: low})
    asked = context(LocalDevice(tmp_path / "work"), allow=("LOW_BATTERY",))
    (one,) = once(monkeypatch, tmp_path, command, asked).outcomes
    assert low in one.conditions and "LOW_BATTERY" in [each["name"] for each in one.as_json()["conditions"]]


@pytest.mark.parametrize("command", list(ONCE))
def test_a_device_in_use_is_asked_once_it_is_free(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str
) -> None:
    asked: list[str] = []

    def ask_held(device: Device, allowed: Any, *_: Any) -> Any:
        asked.append(device.serial)
        raise DeviceError("not measured, HOT", "let it cool")

    monkeypatch.setattr(holding, "ask_held", ask_held)
    monkeypatch.setattr("harness.control.conditions.facts.occupant", lambda device: Holder.unknown())
    said: list[str] = []
    (one,) = once(monkeypatch, tmp_path, command, context(LocalDevice(tmp_path / "work"), said=said)).outcomes
    assert (asked, one.messages) == (["local"], ["not measured, HOT\n  let it cool"])
    assert any("it is asked for its conditions once it is free" in text for text in said)


@pytest.mark.parametrize("command", list(ONCE))
def test_another_phone_at_the_address(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str) -> None:
    class Another(LocalDevice):
        def confirm(self) -> None:
            raise DeviceError("another phone answers at S1")

    (one,) = once(monkeypatch, tmp_path, command, context(Another(tmp_path / "work"))).outcomes
    assert (one.codes, one.messages) == ([ExitCode.INFRASTRUCTURE], ["another phone answers at S1"])
