"""Virtual phones on an adb server of their own, with a state folder (a space in its name) of their own."""

from __future__ import annotations

import itertools
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import socket

import pytest

from harness.devices.adb import AdbDevice
from harness.devices.base import Attached
from harness.devices.discovery import find
from harness.errors import InfrastructureError
from harness.lab import adbserver, manager
from harness.lab.manager import PhoneHandle, PhoneOptions
from harness.lab.ports import FIRST_PORT, LAST_PORT, reserve

_PORTS = 100  # of a process that tests; the first ones are left to phones that a test starts by the tool itself
_PROCESS = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_FIRST = FIRST_PORT + _PORTS * (1 + _PROCESS % ((LAST_PORT - FIRST_PORT) // _PORTS - 1))
_ports = itertools.cycle(range(_FIRST, _FIRST + _PORTS))


def _free_port() -> int:
    """A port that no other process which tests gives to a phone: a test may end a phone and give its port to another.

    They take turns, so that what is left of an ended phone is not taken for the next one's.
    """
    for port in itertools.islice(_ports, _PORTS):
        if found := reserve(port):
            for each in found:
                each.close()
            return port
    raise AssertionError(f"no free port from {_FIRST} to {_FIRST + _PORTS - 1}")


class Lab:
    """An adb server and the phones on it. ``environment`` is what a process needs to work with them.

    ``program`` is the adb that starts the server, and the client of ``adb``.
    """

    def __init__(self, port: int, state: Path, program: str) -> None:
        self.program = program
        self.environment = {
            "ANDROID_ADB_SERVER_PORT": str(port),
            "XDG_STATE_HOME": str(state),
            "ADBUTILS_ADB_PATH": program,
        }
        self.server = f"127.0.0.1:{port}"
        self.state = state
        self._serials: list[str] = []
        self.phones: list[PhoneHandle] = []  # all that were up

    @contextmanager
    def active(self) -> Iterator[None]:
        """This process works with the lab."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.environment.items():
                patch.setenv(name, value)
            yield

    def up(self, model: str = "pixel-3", **options: object) -> PhoneHandle:
        """A phone; ``options`` are those of PhoneOptions."""
        options.setdefault("port", _free_port())
        with self.active():
            made = manager.up([model], say=lambda _: None, options=PhoneOptions(**options))[0]  # type: ignore[arg-type]
        self._serials.append(made.serial)
        self.phones.append(made)
        return made

    def down(self, phone: PhoneHandle) -> None:
        self._down([phone.serial])

    @contextmanager
    def phone(self, model: str = "pixel-3", **options: object) -> Iterator[PhoneHandle]:
        """A phone within the block."""
        made = self.up(model, **options)
        try:
            yield made
        finally:
            self.down(made)

    def close(self) -> None:
        self._down(list(self._serials))
        self.adb("kill-server")

    def _down(self, serials: list[str]) -> None:
        with self.active():
            manager.down(serial for serial in serials if (manager.lab_root() / serial).is_dir())
        self._serials = [serial for serial in self._serials if serial not in serials]

    def adb(self, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """The adb client."""
        with self.active():
            return subprocess.run([self.program, *arguments], input=stdin, capture_output=True, check=False, timeout=60)

    def client(self, phone: PhoneHandle, command: str) -> subprocess.Popen[bytes]:
        """The adb client while it runs a command in the phone's shell."""
        with self.active():
            return subprocess.Popen(
                [self.program, "-s", phone.serial, "shell", command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
            )

    def shell(self, phone: PhoneHandle, command: str) -> str:
        """What a command line prints in the phone's shell."""
        done = self.adb("-s", phone.serial, "shell", command)
        assert done.returncode == 0, done
        return done.stdout.decode().strip()

    def wait_until_up(self, phone: PhoneHandle) -> None:
        """Connects again until the phone has booted; without that the server would try only every 10 s."""
        deadline = time.monotonic() + 60
        with self.active():
            while True:
                try:
                    adbserver.connect(phone.serial)
                    break
                except InfrastructureError:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.1)
            adbserver.wait_for(phone.serial, "device", deadline)

    def find(self, *phones: PhoneHandle) -> Attached:
        return find([phone.serial for phone in phones], [self.server])

    def device(self, phone: PhoneHandle) -> AdbDevice:
        device = self.find(phone).devices[0]
        assert isinstance(device, AdbDevice)
        return device


@pytest.fixture(scope="module")
def lab(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    cannot_run: object,
    wheel_adb: Path,
    need_tool: Callable[[str], str],
) -> Iterator[Lab]:
    """A lab without phones. Its adb is the wheel's, the same everywhere; with the parameter "PATH" that of PATH."""
    program = need_tool("adb") if getattr(request, "param", "wheel") == "PATH" else str(wheel_adb)
    try:
        manager.check_host()
    except InfrastructureError as error:
        assert callable(cannot_run)
        cannot_run(str(error))
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    made = Lab(port, tmp_path_factory.mktemp("lab state"), program)
    yield made
    made.close()


@pytest.fixture
def lab_environment(lab: Lab, isolated_state: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The test's own process, and those it starts, work with the lab."""
    for name, value in lab.environment.items():
        monkeypatch.setenv(name, value)
    return lab.environment
