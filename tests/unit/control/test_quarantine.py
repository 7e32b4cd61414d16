"""Phones that are not measured for a while."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given

from harness.control import quarantine
from harness.devices.base import Attached, Device, Identity, Unusable
from harness.devices.phone_id import PhoneId
from harness.errors import NoDeviceError
from harness.exit_codes import ExitCode
from harness.measure.context import Context
from tests.mutation import mutated

pytestmark = pytest.mark.unit


class Phone:
    def __init__(self, number: str, address: str) -> None:
        self.serial = address
        self.identity = Identity(address, "adb", model="Pixel 3", serialno=number)


A, B = Phone("A8812X", "10.0.0.7:5555"), Phone("B9913Y", "10.0.0.8:5555")
ID_A, ID_B = (PhoneId.of(phone.identity) for phone in (A, B))


def attached(*phones: Phone) -> Attached:
    return Attached(devices=cast(tuple[Device, ...], phones))


def context(found: Attached) -> Context:
    return Context(cast(Any, None), found, lambda text: None, cast(Any, None))


def test_reason_and_end() -> None:
    assert quarantine.of(ID_A) is None
    made = quarantine.put(ID_A, "a hub at its end", 2)
    assert quarantine.of(ID_A) == made and quarantine.of(ID_B) is None
    end = datetime.fromisoformat(made.until) - datetime.now(UTC)
    assert timedelta(hours=1.9) < end <= timedelta(hours=2)
    assert "a hub at its end" in made.text and made.until[:10] in made.text
    assert quarantine.of(PhoneId.of(Phone("A8812X", "10.0.0.9:1").identity)) == made  # under another address
    assert quarantine.release(ID_A) and not quarantine.release(ID_A)
    assert quarantine.of(ID_A) is None


def test_one_that_is_over_is_none_and_a_longer_one_stays() -> None:
    quarantine.put(ID_A, "short", 0)
    assert quarantine.of(ID_A) is None
    long = quarantine.put(ID_A, quarantine.UNKILLABLE)
    assert quarantine.put(ID_A, quarantine.OFTEN_LOST) == long == quarantine.of(ID_A)
    assert quarantine.every() == [long]


def test_alone_there_is_no_usable_device_beside_others_it_is_one_that_is_unusable() -> None:
    quarantine.put(ID_A, "a hub at its end", 2)
    alone = context(quarantine.without(attached(A)))
    with pytest.raises(NoDeviceError, match=r"a hub at its end.*harness doctor --release 10\.0\.0\.7:5555") as caught:
        alone.usable()
    assert caught.value.exit_code == ExitCode.NO_DEVICE
    beside = context(quarantine.without(attached(A, B)))
    assert [device.serial for device in beside.usable()] == [B.serial] and beside.some_unusable


def test_others_stay_as_they_are() -> None:
    found = Attached(
        devices=cast(tuple[Device, ...], (A,)), unusable=(Unusable("C", "offline", "plug it in", ("OFFLINE",)),)
    )
    assert quarantine.without(found) == found


def test_three_losses_one_after_another() -> None:
    assert quarantine.lost(ID_A) is None
    assert quarantine.lost(ID_A) is None
    quarantine.stayed(ID_A)
    assert quarantine.lost(ID_A) is None
    assert quarantine.lost(ID_A) is None
    assert quarantine.lost(ID_B) is None
    made = quarantine.lost(ID_A)
    assert made is not None and made.reason == quarantine.OFTEN_LOST
    assert quarantine.of(ID_A) == made
    quarantine.release(ID_A)
    assert quarantine.lost(ID_A) is None


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"reason": "x"}', b"\xff\xfe", b"[" * 5000])
def test_a_damaged_file_is_said_kept_aside_and_not_trusted(isolated_state: Path, damage: bytes) -> None:
    quarantine.put(ID_A, "whatever", 2)
    (file,) = (isolated_state / "harness" / "quarantine").glob("*.json")
    file.write_bytes(damage)
    said: list[str] = []
    found = quarantine.without(attached(A), said.append)
    assert [device.serial for device in found.devices] == [A.serial]
    assert quarantine.of(ID_A) is None and quarantine.every() == [] and file.read_bytes() == damage
    assert len(said) == 1 and f"{file} is damaged" in said[0]
    assert quarantine.of(ID_A, said.append, aside=True) is None  # by who holds the phone
    (aside,) = file.parent.glob("*.damaged.*")
    assert aside.read_bytes() == damage and aside.name in said[1]
    assert quarantine.of(ID_A, pytest.fail) is None


def test_release_by_a_name() -> None:
    quarantine.put(ID_A, "one", 2)
    moved = Phone("A8812X", "10.0.0.99:5555")
    assert quarantine.release_named("10.0.0.99:5555") == []
    assert [each.reason for each in quarantine.release_named("10.0.0.99:5555", cast(Any, [moved]))] == ["one"]
    quarantine.put(ID_B, "two", 2)
    assert [each.reason for each in quarantine.release_named(B.serial)] == ["two"]
    assert quarantine.every() == []


def test_it_stays_when_a_phone_is_known_by_something_else() -> None:
    first = replace(ID_A, second="0a1b2c3d4e5f")
    quarantine.put(first, "a hub at its end", 2)
    mine, twin = (replace(ID_A, second=mark, is_shared=True) for mark in ("0a1b2c3d4e5f", "f1e2d3c4b5a6"))
    assert quarantine.of(mine) is not None and quarantine.of(twin) is None
    assert not quarantine.release(twin)
    assert quarantine.release(mine) and quarantine.of(first) is None


KEPT = {
    "reason": "r", "since": "2026-01-01T00:00:00Z", "until": "2999-01-01T00:00:00Z", "title": "t",
    "digest": ID_A.digest, "address": "a",
}  # fmt: skip


def test_a_file_of_before_and_one_of_another_phone() -> None:
    file = quarantine._file(ID_A.digest)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(KEPT))
    assert quarantine.of(ID_A) is not None
    file.write_text(json.dumps({**KEPT, "digest": "../../up"}))
    said: list[str] = []
    assert quarantine.of(ID_A, said.append) is None and "is damaged" in said[0]


@given(mutated(json.dumps(KEPT).encode()))
def test_any_file(data: bytes) -> None:
    file = quarantine._file(ID_A.digest)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    found = quarantine.of(ID_A)
    assert found is None or found.digest == ID_A.digest
    for each in file.parent.iterdir():
        each.unlink()
