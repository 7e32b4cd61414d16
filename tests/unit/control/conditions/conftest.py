"""A phone that is well, and facts of one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from harness.control.conditions.facts import Facts
from harness.control.conditions.folder import Folder
from harness.control.conditions.left import Remembered
from harness.control.conditions.says import Battery, Thermal
from harness.devices.base import Cluster, Identity, Topology
from tests.unit.control.conditions.fakes import FakePhone


@pytest.fixture
def phone() -> FakePhone:
    """A phone that is well."""
    return FakePhone()


@pytest.fixture
def facts() -> Callable[..., Facts]:
    """``facts(field=value)``: those of a phone that is well, with these others."""
    readings = ("Temperature{mValue=31.0}",)
    well = Facts(
        identity=Identity("S1", "adb", model="Pixel 3", sdk=31),
        topology=Topology((Cluster((0, 1)), Cluster((2, 3))), (0, 1, 2, 3)),
        folder=Folder("", "", 1 << 30),
        leftovers=(),
        battery=Battery(85.0, False, 27.0),
        thermal=Thermal(False, 0, True, readings),
        later=None,
        zones=12,
        settings={"global low_power": "0"},
        wakefulness="Awake",
        in_use="",
        remembered=Remembered(()),
    )
    return lambda **changes: replace(well, **changes)
