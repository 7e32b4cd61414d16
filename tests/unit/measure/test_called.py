"""What devices are called before a run has begun."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from harness.devices.base import Device, Identity, Unusable
from harness.measure.called import called, named

pytestmark = pytest.mark.unit


def phone(serial: str, model: str, kind: str = "adb") -> Device:
    return cast(Device, SimpleNamespace(serial=serial, identity=Identity(serial, kind, model=model, serialno=serial)))


def test_a_phone_alone_of_its_model_is_called_as_reports_call_it() -> None:
    devices = [phone("S1", "Pixel 3"), phone("S2", "Pixel 8"), phone("local", "Xeon", "local")]
    assert list(called(devices).values()) == ["pixel-3", "pixel-8", "local"]
    assert list(called(devices).values()) == [name for name, _ in named(devices)]


def test_two_alike_have_their_serial_numbers_behind_the_names() -> None:
    refused = Unusable("S3", "offline", "plug it in", ("OFFLINE",), model="Pixel 3")
    unknown = Unusable("S4", "unauthorized", "unlock it", ("UNAUTHORIZED",))
    names = called([phone("S1", "Pixel 3"), phone("S2", "Pixel 8")], [refused, unknown])
    assert names == {("", "S1"): "pixel-3 (S1)", ("", "S2"): "pixel-8", ("", "S3"): "pixel-3 (S3)", ("", "S4"): "S4"}
    first, second = called([phone("S1", "Pixel 3"), phone("S5", "Pixel 3")]).values()
    assert first.endswith(" (S1)") and second.endswith(" (S5)") and first.startswith("pixel-3-")
