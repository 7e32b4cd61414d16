"""Phones that are called by their folder's name in a run."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from types import SimpleNamespace
from typing import cast

import pytest

from harness.devices.base import Attached, Device, Identity
from harness.errors import NoDeviceError, UsageError
from harness.measure import naming
from harness.measure.campaign import named

pytestmark = pytest.mark.unit


def phone(serial: str, model: str) -> Device:
    identity = Identity(serial, "adb", model=model, serialno=f"NO{serial}")
    return cast(Device, SimpleNamespace(serial=serial, identity=identity))


PIXEL, TWIN, OTHER = phone("S1", "Pixel 3"), phone("S2", "Pixel 3"), phone("pixel-8", "Galaxy S8")


@pytest.fixture
def attach(monkeypatch: pytest.MonkeyPatch) -> list[Device]:
    """The phones that discovery finds."""
    attached: list[Device] = []

    def find(serials: Sequence[str], _servers: Sequence[str], _allow: Collection[str] = ()) -> Attached:
        for serial in serials:
            if serial not in ("all", *(device.serial for device in attached)):
                raise NoDeviceError(f"device {serial!r} is not attached")
        return Attached(tuple(device for device in attached if "all" in serials or device.serial in serials))

    monkeypatch.setattr("harness.devices.discovery.find", find)
    return attached


def found(*wanted: str) -> list[str]:
    return [device.serial for device in naming.find(wanted, []).devices]


def test_by_the_name_of_a_model(attach: list[Device]) -> None:
    attach += [PIXEL, OTHER]
    assert found("pixel-3") == ["S1"]
    assert found("galaxy-s8", "S1") == ["S1", "pixel-8"]
    assert found("pixel-8") == ["pixel-8"]  # a serial number comes first


def test_by_the_name_beside_another_one_of_its_model(attach: list[Device]) -> None:
    attach += [PIXEL, TWIN]
    (first, _), (second, _) = named([PIXEL, TWIN])
    assert (found(first), found(second)) == (["S1"], ["S2"])
    with pytest.raises(UsageError, match="name one of: S1, S2"):
        found("pixel-3")
    attach.remove(TWIN)
    assert found(first) == ["S1"]  # it keeps its name when it is the only one


@pytest.mark.parametrize("wanted", ["pixel-9", "Pixel 3", "S9"])
def test_nobody_is_called_that(attach: list[Device], wanted: str) -> None:
    attach += [PIXEL]
    with pytest.raises(NoDeviceError, match=wanted):
        found(wanted)
