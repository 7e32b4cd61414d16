"""Journals are trusted as far as they can be settings of that phone, and never end anything."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from harness.control import settings, settings_journal
from harness.control.settings_journal import Change, Pending, keep_here
from harness.devices.phone_id import PhoneId
from harness.errors import InfrastructureError
from tests.settings_phone import FIRST, Phone

pytestmark = pytest.mark.unit

ON_PHONE = "/data/local/tmp/.harness-settings.json"
GOOD = Pending(
    phone="0" * 16, address="A", title="Pixel 3", changes=(Change(setting="stay_awake", saved="1", ours="7"),)
).model_dump()
DAMAGE: list[Any] = [
    b"",
    b"\xff\xfe",
    b"{",
    b"[" * 100_000,
    b"x" * 100_000,
    {**GOOD, "version": 3},
    {**GOOD, "more": 1},
    {**GOOD, "changes": [{"setting": "adb_enabled", "saved": "0", "ours": "7"}]},
    {**GOOD, "changes": [{"setting": "stay_awake", "saved": "1; reboot", "ours": "7"}]},
    {**GOOD, "changes": [{"setting": "stay_awake", "saved": "1", "ours": None}]},
    {**GOOD, "changes": [{"setting": "fixed_performance", "saved": None, "ours": "true"}]},
    {**GOOD, "changes": [*GOOD["changes"], *GOOD["changes"]]},
]


def content(damage: Any) -> bytes:
    return damage if isinstance(damage, bytes) else json.dumps(damage).encode()


@pytest.mark.parametrize("damage", DAMAGE[1:], ids=lambda damage: str(damage)[:60])
def test_a_damaged_journal_is_said_and_kept_aside_on_both_sides(state: Path, phone: Phone, damage: Any) -> None:
    file = state / f"{PhoneId.of(phone.identity).digest}.json"
    file.parent.mkdir(parents=True)
    said: list[str] = []
    for again in (1, 2):
        file.write_bytes(content(damage))
        phone.files[ON_PHONE] = content(damage).decode("latin-1")
        assert settings.restore(phone.device, say=said.append) == settings.Restored()
        assert phone.values == FIRST
        assert not file.exists() and ON_PHONE not in phone.files
        assert len(list(state.iterdir())) == again and set(phone.files) == {f"{ON_PHONE}.damaged"}
        there, here = said[-2:]
        assert "is damaged" in here and str(file) in here and "is damaged" in there
        assert settings.restore(phone.device, say=pytest.fail) == settings.Restored()


def test_an_empty_file_on_the_phone_is_none(state: Path, phone: Phone) -> None:
    phone.files[ON_PHONE] = "\n"
    assert settings.restore(phone.device, say=pytest.fail) == settings.Restored()


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.data())
def test_any_mutation_is_harmless(state: Path, data: st.DataObject) -> None:
    phone = Phone()
    phone.values["stay_on_while_plugged_in"] = "7"
    good = bytearray(json.dumps({**GOOD, "phone": PhoneId.of(phone.identity).digest}).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(good) - 1))
        good[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    phone.files[ON_PHONE] = good.decode("latin-1")
    settings.restore(phone.device)
    assert phone.values["stay_on_while_plugged_in"] is None or phone.values["stay_on_while_plugged_in"].isdecimal()
    assert {**phone.values, "stay_on_while_plugged_in": "1"} == FIRST


def older(serial: str, saved: str | None = "0") -> bytes:
    """What harness 0.1 wrote."""
    change = {"namespace": "global", "key": "stay_on_while_plugged_in", "saved": saved, "ours": "7"}
    return json.dumps({"serial": serial, "change": change}).encode()


def older_file(state: Path, serial: str) -> Path:
    state.mkdir(parents=True, exist_ok=True)
    return state / f"{sha256(serial.encode()).hexdigest()[:16]}.json"


def test_the_journal_of_harness_0_1_is_read(state: Path) -> None:
    phone = Phone("8A9X0B1C2")
    phone.values["stay_on_while_plugged_in"] = "7"
    file = older_file(state, phone.serial)
    file.write_bytes(older(phone.serial))
    (pending,) = settings.pending_phones()
    assert pending.address == phone.serial and pending.is_of(PhoneId.of(phone.identity))
    assert settings.restore(phone.device).done == ["stay_awake put back to '0'"]
    assert phone.values["stay_on_while_plugged_in"] == "0"
    assert list(state.iterdir()) == []


def test_the_journal_of_harness_0_1_of_an_address_is_set_aside(state: Path, phone: Phone) -> None:
    phone.values["stay_on_while_plugged_in"] = "7"
    older_file(state, phone.serial).write_bytes(older(phone.serial))
    said: list[str] = []
    settings.restore(phone.device, say=said.append)
    assert phone.values["stay_on_while_plugged_in"] == "7"
    assert "adb shell settings put global stay_on_while_plugged_in 0" in said[0]
    assert [".damaged." in file.name for file in state.iterdir()] == [True]


def test_the_phones_own_journal_wins(state: Path, phone: Phone) -> None:
    """Host A was killed; then another host used the phone, and was killed too."""
    phone.values["stay_on_while_plugged_in"] = "7"
    known = PhoneId.of(phone.identity)
    for saved, where in (("1", "host"), ("3", "phone")):
        text = Pending.of(known, [Change(setting="stay_awake", saved=saved, ours="7")]).model_dump_json()
        if where == "host":
            state.mkdir(parents=True)
            (state / f"{known.digest}.json").write_text(text)
        else:
            phone.files[ON_PHONE] = text
    settings.restore(phone.device)
    assert phone.values["stay_on_while_plugged_in"] == "3"


def test_a_journal_that_cannot_be_removed_is_told_as_one_message(
    state: Path, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    known = PhoneId.of(phone.identity)
    settings_journal.keep_here(known, AWAKE)
    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(InfrastructureError, match=rf"cannot remove {state}/{known.digest}\.json: Permission denied"):
        settings_journal.keep_here(known, ())


def test_a_state_folder_that_cannot_be_read_is_said(state: Path, phone: Phone) -> None:
    file = state / f"{PhoneId.of(phone.identity).digest}.json"
    file.mkdir(parents=True)
    said: list[str] = []
    assert settings.restore(phone.device, say=said.append) == settings.Restored()
    assert "cannot be read" in said[0]


def by_number(second_mark: str, *, is_shared: bool = False) -> Phone:
    """A phone with a serial number that another one has too."""
    phone = Phone()
    phone.identity = replace(phone.identity, second_mark=second_mark, serialno_is_shared=is_shared)
    phone.values["stay_on_while_plugged_in"] = "7"
    return phone


FIRST_MARK, SECOND_MARK = "0a1b2c3d4e5f", "f1e2d3c4b5a6"
AWAKE = [Change(setting="stay_awake", saved="1", ours="7")]


def test_a_journal_is_found_after_another_phone_with_the_number_was_seen(state: Path) -> None:
    keep_here(PhoneId.of(by_number(FIRST_MARK).identity), AWAKE)
    twin = by_number(SECOND_MARK, is_shared=True)
    assert settings.restore(twin.device) == settings.Restored()
    assert twin.values["stay_on_while_plugged_in"] == "7"
    mine = by_number(FIRST_MARK, is_shared=True)
    assert all(each.is_of(PhoneId.of(mine.identity)) for each in settings.pending_phones())
    assert settings.restore(mine.device).done == ["stay_awake put back to '1'"]
    assert list(state.iterdir()) == []


def test_a_journal_of_a_phone_that_told_no_mark_is_its_own_where_the_phone_has_the_same(state: Path) -> None:
    silent = by_number("", is_shared=True)  # known by its address
    keep_here(PhoneId.of(silent.identity), AWAKE)
    (file,) = state.iterdir()
    again = by_number(FIRST_MARK, is_shared=True)
    again.files[ON_PHONE] = json.dumps({**json.loads(file.read_text()), "title": "another"})
    assert settings.restore(again.device).done and list(state.iterdir()) == [file]  # not the same: whose is it?
    again.values["stay_on_while_plugged_in"] = "7"
    again.files[ON_PHONE] = file.read_text()
    assert settings.restore(again.device).done == ["stay_awake put back to '1'"]
    assert list(state.iterdir()) == []
