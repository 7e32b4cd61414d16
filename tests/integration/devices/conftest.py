"""Virtual phones on an adb server of their own, as devices of the tool."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import adbutils
import pytest

from harness.devices.adb import AdbDevice
from harness.devices.base import Attached
from harness.devices.discovery import find
from harness.errors import InfrastructureError
from harness.lab import manager
from harness.lab.manager import PhoneHandle, PhoneOptions


class Lab:
    """An adb server and the phones on it."""

    def __init__(self, port: int, state: Path) -> None:
        self.environment = {"ANDROID_ADB_SERVER_PORT": str(port), "XDG_STATE_HOME": str(state)}
        self.server = f"127.0.0.1:{port}"
        self.phones: list[PhoneHandle] = []

    @contextmanager
    def _active(self) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.environment.items():
                patch.setenv(name, value)
            yield

    def up(self, model: str = "pixel-3", **options: object) -> PhoneHandle:
        with self._active():
            made = manager.up([model], say=lambda _: None, options=PhoneOptions(**options))[0]  # type: ignore[arg-type]
        self.phones.append(made)
        return made

    def down(self, phone: PhoneHandle) -> None:
        self.phones.remove(phone)
        with self._active():
            manager.down([phone.serial])

    def close(self) -> None:
        for phone in list(self.phones):
            self.down(phone)
        with self._active():
            subprocess.run([adbutils.adb_path(), "kill-server"], capture_output=True, check=False, timeout=20)

    def find(self, *phones: PhoneHandle) -> Attached:
        return find([phone.serial for phone in phones], [self.server])

    def device(self, phone: PhoneHandle) -> AdbDevice:
        device = self.find(phone).devices[0]
        assert isinstance(device, AdbDevice)
        return device


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab without phones."""
    try:
        manager.check_host()
    except InfrastructureError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    made = Lab(port, tmp_path_factory.mktemp("lab-state"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def phone(lab: Lab) -> PhoneHandle:
    """A Pixel 3 that tests share: they leave it as they found it."""
    return lab.up()


@pytest.fixture(scope="module")
def device(lab: Lab, phone: PhoneHandle) -> AdbDevice:
    """The shared phone as a device."""
    return lab.device(phone)


@pytest.fixture
def folder(device: AdbDevice) -> Iterator[str]:
    """A folder on the shared phone."""
    path = f"{device.work_root()}/harness-test"
    device.make_dir(path)
    yield path
    device.remove_tree(path)
    assert "harness-test" not in device.list_dir(device.work_root())
