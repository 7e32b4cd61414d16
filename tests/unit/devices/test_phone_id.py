"""A phone is a phone, whatever its address."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.devices import identity
from harness.devices.base import as_json
from harness.devices.phone_id import PhoneId

pytestmark = pytest.mark.unit

PIXEL = PhoneId("8A9X0B1C2", "Pixel 3", "blueline", "10.0.0.7:37001")


@pytest.mark.parametrize("address", ["10.0.0.7:41234", "8A9X0B1C2", "adb-8A9X0B1C2-xyz._adb-tls-connect._tcp"])
def test_another_address_is_the_same_phone(address: str) -> None:
    again = replace(PIXEL, address=address)
    assert again.is_same(PIXEL)
    assert again.key == PIXEL.key


@pytest.mark.parametrize("other", [{"serialno": "8A9X0B1C3"}, {"model": "SM-G950F"}, {"board": "crosshatch"}])
def test_the_same_address_is_no_proof(other: dict[str, str]) -> None:
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
