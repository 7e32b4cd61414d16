"""One virtual phone as a device of the tool, shared by a module's tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from harness.devices.adb import AdbDevice
from harness.lab.manager import PhoneHandle


@pytest.fixture(scope="module")
def phone(lab: Any) -> Iterator[PhoneHandle]:
    """A Pixel 3 that tests share: they leave it as they found it."""
    with lab.phone() as made:
        yield made


@pytest.fixture(scope="module")
def device(lab: Any, phone: PhoneHandle) -> AdbDevice:
    """The shared phone as a device."""
    found = lab.device(phone)
    assert isinstance(found, AdbDevice)
    return found


@pytest.fixture
def folder(device: AdbDevice) -> Iterator[str]:
    """A folder on the shared phone."""
    path = f"{device.work_root()}/harness-test"
    device.make_dir(path)
    yield path
    device.remove_tree(path)
    assert "harness-test" not in device.list_dir(device.work_root())
