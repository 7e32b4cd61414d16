"""A phone is a phone, whatever its address."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.devices import identity
from harness.devices.base import as_json
from harness.devices.phone_id import PhoneId, second_mark

pytestmark = pytest.mark.unit

PIXEL = PhoneId("8A9X0B1C2", "Pixel 3", "blueline", "10.0.0.7:37001")


@pytest.mark.parametrize("address", ["10.0.0.7:41234", "8A9X0B1C2", "adb-8A9X0B1C2-xyz._adb-tls-connect._tcp"])
def test_another_address_is_the_same_phone(address: str) -> None:
    again = replace(PIXEL, address=address)
    assert again.is_same(PIXEL)
    assert again.key == PIXEL.key


@pytest.mark.parametrize("other", [{"serialno": "8A9X0B1C3"}, {"model": "SM-G950F"}, {"board": "crosshatch"}])
def test_the_same_address_is_no_proof(other: dict[str, Any]) -> None:
    another = replace(PIXEL, **other)
    assert not another.is_same(PIXEL)
    assert another.key != PIXEL.key


@pytest.mark.parametrize("serialno", ["", "0", "unknown", "0123456789ABCDEF", "1234567890", "0000000000000000", "AAAA"])
def test_the_address_counts_where_the_number_is_made_up(serialno: str) -> None:
    cheap = replace(PIXEL, serialno=serialno)
    assert cheap.is_same(replace(cheap))
    assert not cheap.is_same(replace(cheap, address="10.0.0.8:37001"))
    assert cheap.key != replace(cheap, address="10.0.0.8:37001").key


def test_older_device_files_are_told_by_address_and_model() -> None:
    old = PhoneId.from_json({"serial": PIXEL.address, "model": "Pixel 3", "kind": "adb"})
    assert old.is_same(PIXEL)
    assert not old.is_same(replace(PIXEL, address="10.0.0.8:37001"))
    assert not old.is_same(replace(PIXEL, model="Pixel 8"))
    with pytest.raises(KeyError):
        PhoneId.from_json({"model": "Pixel 3"})


def test_from_properties_to_device_json_and_back() -> None:
    properties = {"ro.serialno": "8A9X0B1C2", "ro.product.model": "Pixel 3", "ro.product.board": "blueline"}
    read = identity.phone("10.0.0.7:37001", "127.0.0.1:5037", properties)
    assert PhoneId.of(read) == PIXEL == PhoneId.from_json(as_json(read))
    assert "8A9X0B1C2" in str(PIXEL) and "8A9X0B1C2" not in PIXEL.title


A, B = second_mark("7d1f9e0c2b3a4855"), second_mark("99e0aa41c0ffee12")


def test_the_name_of_its_files_is_the_same_under_every_address() -> None:
    again = replace(PIXEL, address="10.0.0.7:41234", second=A)
    assert again.digest == PIXEL.digest and len(PIXEL.digest) == 16 and int(PIXEL.digest, 16)
    assert replace(PIXEL, serialno="B").digest != PIXEL.digest


def test_a_second_mark_tells_phones_with_one_number_apart_and_survives_a_new_address() -> None:
    first, second = replace(PIXEL, second=A, is_shared=True), replace(PIXEL, second=B, is_shared=True)
    assert first.known_by == "android_id"
    assert first.key != second.key and not first.is_same(second)
    moved = replace(first, address="10.0.0.9:1")
    assert moved.key == first.key and moved.is_same(first)
    assert not replace(first, is_shared=False).is_same(replace(second, is_shared=False))  # seen one at a time


def test_without_a_second_mark_the_address_tells_them_apart() -> None:
    first = replace(PIXEL, is_shared=True)
    assert first.known_by == "address"
    moved = replace(first, address="10.0.0.9:1")
    assert first.key != moved.key and not first.is_same(moved)
    assert first.is_same(replace(PIXEL, second=A))  # at one address


def test_a_made_up_number_with_a_second_mark() -> None:
    cheap = replace(PIXEL, serialno="0123456789ABCDEF", second=A)
    moved = replace(cheap, address="10.0.0.9:1")
    assert cheap.known_by == "android_id" and cheap.key == moved.key and cheap.is_same(moved)
    assert not cheap.is_same(replace(cheap, second=B))


@pytest.mark.parametrize(
    "text", ["", "null", "0123456789abcdef", "0000000000000000", "7D1F", "$(reboot)", "7d1f9e0c" * 9]
)
def test_what_is_no_android_id_is_no_mark(text: str) -> None:
    assert second_mark(text) == ""


def test_the_second_mark_does_not_tell_the_android_id() -> None:
    assert "7d1f9e0c2b3a4855" not in A and len(A) == 12


@pytest.mark.parametrize(
    ("before", "is_its_own"),
    [
        (PIXEL, False),  # it told no mark then: a twin may have written it
        (replace(PIXEL, second=A), True),
        (replace(PIXEL, second=B), False),  # of its twin
        (replace(PIXEL, second=A, is_shared=True), True),
        (replace(PIXEL, is_shared=True), False),  # by its address alone, which may be another one's by now
    ],
)
def test_its_files_are_found_after_another_phone_with_its_number_was_seen(before: PhoneId, is_its_own: bool) -> None:
    now = replace(PIXEL, second=A, is_shared=True)
    assert now.owns(before.digest, before.second) is is_its_own
    assert before.digest in now.digests and now.digests[0] == now.digest


def test_its_files_are_found_when_its_number_tells_it_again() -> None:
    shared = replace(PIXEL, second=A, is_shared=True)
    assert replace(PIXEL, second=A).owns(shared.digest, A)
    assert PIXEL.owns(PIXEL.digest, A) and not replace(PIXEL, second=B).owns(PIXEL.digest, A)
    assert not PIXEL.owns("0" * 16)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", "{}", '{"identity": 1}', '{"identity": {}}', "[" * 100_000, '{"identity": []}']
)
def test_a_damaged_file_tells_of_no_phone(tmp_path: Path, content: str) -> None:
    file = tmp_path / "device.json"
    assert PhoneId.read_or_none(file) is None
    with pytest.raises(FileNotFoundError):
        PhoneId.read(file)
    file.write_text(content)
    assert PhoneId.read_or_none(file) is None
    with pytest.raises(ValueError, match=r".*"):
        PhoneId.read(file)
