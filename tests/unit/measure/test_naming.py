"""Phones that are called by their folder's name in a run."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from types import SimpleNamespace
from typing import cast

import pytest

from harness.devices.base import AdbServer, Attached, Device, Identity, Unusable, key_of
from harness.errors import NoDeviceError, UsageError
from harness.measure import naming
from harness.measure.called import named
from harness.model.condition import Condition

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


class Discovery:
    """Phones, one that cannot be used, and how often they were asked for more than a list."""

    def __init__(self) -> None:
        self.phones = [PIXEL, phone("S3", "Galaxy S8")]
        self.offline = Unusable("S9", "offline", "plug it in again", ("OFFLINE",))
        self.probed = 0

    def find(self, serials: Sequence[str], _servers: Sequence[str], _allow: Collection[str] = ()) -> Attached:
        known = {"S1": "S1", "10.0.0.7:5555": "S1", "S3": "S3", "S9": "S9", "local": "local"}
        for serial in serials:
            if serial not in ("all", *known):
                raise NoDeviceError(f"device {serial!r} is not attached")
        self.probed += 1
        chosen = set(known.values()) - {"local"} if "all" in serials else {known[serial] for serial in serials}
        devices = tuple(each for each in self.phones if each.serial in chosen)
        local = [cast(Device, SimpleNamespace(serial="local", identity=Identity("local", "local")))]
        return Attached(
            (*local * ("local" in serials), *devices),
            tuple(each for each in (self.offline,) if each.serial in chosen),
            (AdbServer("lab:5037", "adb"),),
            {key_of(each): (Condition("SAME_SERIAL", each.serial),) for each in devices},
            {key_of(each): ("10.0.0.7:5555",) for each in devices if each.serial == "S1"},
        )


@pytest.mark.parametrize(
    ("wanted", "serials", "probes"),
    [
        pytest.param(["pixel-3"], ["S1"], 1, id="name"),
        pytest.param(["S1"], ["S1"], 1, id="serial"),
        pytest.param(["galaxy-s8", "S9", "local"], ["local", "S3", "S9"], 1, id="name-and-serials"),
        pytest.param(["pixel-3", "all"], ["S1", "S3", "S9"], 1, id="name-and-all"),
        pytest.param(["galaxy-s8", "10.0.0.7:5555"], ["S1", "S3"], 2, id="other-connection"),
    ],
)
def test_phones_are_asked_once(
    wanted: list[str], serials: list[str], probes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    attached = Discovery()
    monkeypatch.setattr("harness.devices.discovery.find", attached.find)
    done = naming.find(wanted, [])
    assert [*(each.serial for each in done.devices), *(each.serial for each in done.unusable)] == serials
    phones = {key_of(each) for each in done.devices if each.serial != "local"}
    assert set(done.conditions) == phones and set(done.other_names) == phones & {key_of(PIXEL)}
    assert done.servers == (AdbServer("lab:5037", "adb"),)
    assert attached.probed == probes


def test_what_nobody_is_called_beside_a_name_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.devices.discovery.find", Discovery().find)
    with pytest.raises(NoDeviceError, match="'S7' is not attached"):
        naming.find(["pixel-3", "S7"], [])


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
