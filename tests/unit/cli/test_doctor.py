"""``harness doctor``: its exit codes, its table, its JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest

from harness.cli import program
from harness.control import quarantine
from harness.control.conditions import facts
from harness.devices import discovery
from harness.devices.base import Attached, Device, Identity, Unusable
from harness.devices.phone_id import PhoneId
from harness.errors import UsageError
from harness.exit_codes import ExitCode
from tests.unit.control.conditions.fakes import ELSEWHERE, FakePhone

pytestmark = pytest.mark.unit

EMPTY = "level: 3\nscale: 100\nstatus: 2\ntemperature: 300\n"
AWAY = Unusable("U", "unauthorized", "unlock the phone", ("UNAUTHORIZED",))


def perform(
    monkeypatch: pytest.MonkeyPatch, *argv: str, phones: tuple[FakePhone, ...] = (), away: tuple[Unusable, ...] = ()
) -> ExitCode:
    attached = Attached(tuple(cast(Device, phone) for phone in phones), away)
    monkeypatch.setattr(discovery, "find", lambda *_: attached)
    monkeypatch.setattr(facts, "_LOAD_S", 0.0)
    monkeypatch.setattr(facts, "_SNAPSHOTS", 2)
    return program.perform(["doctor", *argv])


def empty(serial: str = "S1") -> FakePhone:
    phone = FakePhone(Identity(serial, "adb", model="[red]<b>\x1b[1m", sdk=31))
    phone.answers["dumpsys battery"] = EMPTY
    return phone


@pytest.mark.parametrize(
    ("phones", "away", "code"),
    [
        ((FakePhone(),), (), ExitCode.DONE),
        ((empty(),), (), ExitCode.INFRASTRUCTURE),
        ((FakePhone(), empty("S2")), (), ExitCode.INFRASTRUCTURE),
        ((FakePhone(),), (AWAY,), ExitCode.INFRASTRUCTURE),
        ((), (AWAY,), ExitCode.INFRASTRUCTURE),
        ((), (), ExitCode.NO_DEVICE),
    ],
)
def test_exit_codes(monkeypatch: pytest.MonkeyPatch, phones: Any, away: Any, code: ExitCode) -> None:
    assert perform(monkeypatch, phones=phones, away=away) == code


def test_the_table_is_read_without_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    perform(monkeypatch, phones=(FakePhone(), empty("S2")), away=(AWAY,))
    out = capsys.readouterr().out
    lines = out.splitlines()
    assert out.isascii() and all(line.isprintable() and len(line) <= 110 for line in lines)
    assert lines[:2] == ["S1  Google Pixel 3: may be measured", "  no condition was found"]
    assert "S2  [red]<b>?[1m: not measured: LOW_BATTERY" in lines
    (row,) = [line for line in lines if "LOW_BATTERY" in line and "|" in line]
    assert row.split("|")[1].strip() == "yes"
    for words in ("condition", "stops a run", "remedy", "charge the phone", "CHARGING", "unlock the phone"):
        assert words in out
    assert "this host" in lines and lines[-1] == "1 of 3 may be measured now"


def test_a_phone_in_use_is_told_with_who_has_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    phone = empty()
    phone.holder = ELSEWHERE
    assert perform(monkeypatch, "--json", phones=(phone,)) == ExitCode.DONE
    (value,) = json.loads(capsys.readouterr().out)["devices"]
    assert value["in_use"] == str(ELSEWHERE) and "not asked" in value["unknown"]["LOW_BATTERY"]
    perform(monkeypatch, phones=(phone,))
    assert f": in use by {ELSEWHERE}" in capsys.readouterr().out.splitlines()[0]


def test_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    phone = empty()
    phone.answers["dumpsys power"] = "nothing"
    perform(monkeypatch, "--json", phones=(phone,), away=(AWAY,))
    value = json.loads(capsys.readouterr().out)
    assert value["exit_code"] == 3
    one, away = value["devices"]
    assert (one["device"], one["usable"], away["usable"], away["state"]) == ("S1", False, False, "unauthorized")
    low = one["conditions"][0]
    assert set(low) >= {"name", "what", "why", "remedy", "stops"}
    assert (low["name"], low["stops"]) == ("LOW_BATTERY", True)
    assert one["unknown"] == {"SCREEN": "dumpsys power does not say whether it is awake"}
    assert away["conditions"][0]["name"] == "UNAUTHORIZED"
    assert {each["name"] for each in value["host"]["conditions"]} <= {"NDK", "HOST_DISK", "LEASES"}


def test_a_release(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    phone = FakePhone()
    quarantine.put(PhoneId.of(phone.identity), quarantine.UNKILLABLE)
    assert perform(monkeypatch, "--release", "S2", phones=(phone, FakePhone(Identity("S2", "adb")))) == ExitCode.DONE
    assert capsys.readouterr().out == "S2: in no quarantine\n"
    with pytest.raises(UsageError, match=r"--release S3: no device of that name\n  in quarantine: S1"):
        perform(monkeypatch, "--release", "S3", phones=(phone,), away=(AWAY,))
    assert perform(monkeypatch, "--release", "U", away=(AWAY,)) == ExitCode.DONE
    assert quarantine.every()
    assert perform(monkeypatch, "--release", "S1") == ExitCode.DONE  # by its last address: it may be away
    assert "S1: the quarantine of Pixel 3" in capsys.readouterr().out
    assert not quarantine.every()
    with pytest.raises(UsageError, match="no device is in quarantine"):
        perform(monkeypatch, "--release", "S1")
