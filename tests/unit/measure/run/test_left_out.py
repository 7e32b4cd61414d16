"""Devices that are not measured are told without serial numbers, each once."""

from __future__ import annotations

import pytest

from harness.devices.base import Unusable
from harness.measure.run.left_out import left_out, merged, name_of

pytestmark = pytest.mark.unit

AWAY = Unusable("8A9X0B1C2", "unauthorized", "unlock 8A9X0B1C2, not 8A9X0B1C21", ("UNAUTHORIZED",))
WIFI = Unusable(
    "10.0.0.7:5555",
    "no answer",
    "10.0.0.7:5555: sh took longer than 10 s; plug it in again",
    ("NO_ANSWER",),
    model="Pixel 3",
)
EMPTY = Unusable("R58", "not measured, LOW_BATTERY (3 %)", "charge it", ("LOW_BATTERY", "HOT"), model="SM-G950F")


def test_no_serial_number_stands_in_it() -> None:
    away, wifi, empty = left_out([AWAY, WIFI, EMPTY], {"R58": "sm-g950f"})
    assert (away.name, away.conditions) == (name_of(AWAY), ["UNAUTHORIZED"])
    assert away.name.startswith("phone-") and wifi.name.startswith("pixel-3-")
    assert away.remedy == f"unlock {away.name}, not 8A9X0B1C21"
    assert (wifi.conditions, wifi.remedy) == (["NO_ANSWER"], f"{wifi.name}: sh took longer than 10 s; plug it in again")
    assert (empty.name, empty.conditions) == ("sm-g950f", ["LOW_BATTERY", "HOT"])


def test_each_stands_there_as_it_was_seen_last() -> None:
    before, now = (
        left_out([AWAY, WIFI]),
        left_out([EMPTY, Unusable(AWAY.serial, "offline", "plug it in", ("OFFLINE",))]),
    )
    found = merged(before, now)
    assert [(each.name, each.state) for each in found] == [
        *((name_of(AWAY), "offline"), (name_of(WIFI), "no answer"), (name_of(EMPTY), EMPTY.state)),
    ]
