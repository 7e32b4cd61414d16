"""Which counters of a battery can be read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import pytest

from harness.control.power import LEAVES, power_files
from harness.devices.base import Device
from harness.errors import DeviceError, DeviceLost

pytestmark = pytest.mark.unit

ROOT = "/sys/class/power_supply"


class Phone:
    """Files of a device; ``hangs``: what each question raises."""

    def __init__(self, files: dict[str, str], hangs: Exception | None = None) -> None:
        self.files = {f"{ROOT}/{name}": text for name, text in files.items()}
        self.hangs = hangs

    def list_dir(self, path: str) -> tuple[str, ...]:
        if self.hangs is not None:
            raise self.hangs
        return tuple({name.split("/")[4] for name in self.files if name.startswith(path)})

    def read_files(self, paths: Sequence[str]) -> dict[str, bytes | None]:
        return {path: self.files[path].encode() if path in self.files else None for path in paths}


def found(files: dict[str, str], hangs: Exception | None = None) -> dict[str, str]:
    return power_files(cast(Device, Phone(files, hangs)))


def test_a_phone_has_a_battery_beside_its_charger() -> None:
    usb = {"usb/type": "USB\n", "usb/current_now": "5\n"}
    counters = {f"{name}/{leaf}": "1\n" for name in ("battery", "sec-fuelgauge") for leaf in LEAVES}
    types = {"battery/type": "Battery\n", "sec-fuelgauge/type": "Unknown\n"}
    assert found({**usb, **types, **counters}) == {leaf: f"{ROOT}/battery/{leaf}" for leaf in LEAVES}
    laptop = {"BAT0/type": "Battery\n", "BAT0/status": "Full\n", "BAT0/current_now": "\n"}
    assert found({**usb, **laptop}) == {"status": f"{ROOT}/BAT0/status"}


def test_no_battery_and_a_device_that_refuses_have_none() -> None:
    assert found({"usb/type": "USB\n"}) == found({}) == {}
    assert found({}, DeviceError("refused", "")) == {}
    with pytest.raises(DeviceLost):
        found({}, DeviceLost("away", ""))
