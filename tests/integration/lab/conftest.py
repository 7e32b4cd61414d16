"""Virtual phones on an adb server of their own, with a state folder (with a space in its name) of their own."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import adbutils
import pytest

from harness import paths
from harness.errors import InfrastructureError
from harness.lab import manager
from harness.lab.manager import PhoneHandle, PhoneOptions

Adb = Callable[..., subprocess.CompletedProcess[bytes]]
MakePhone = Callable[..., PhoneHandle]


def _missing(reason: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def lab_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    try:
        manager.check_host()
    except InfrastructureError as error:
        _missing(str(error))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        "ANDROID_ADB_SERVER_PORT": str(port),
        "XDG_STATE_HOME": str(tmp_path_factory.mktemp("lab state")),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        yield environment
        manager.down()
        subprocess.run([adbutils.adb_path(), "kill-server"], capture_output=True, check=False, timeout=20)


@pytest.fixture(scope="session")
def adb(lab_environment: dict[str, str]) -> Adb:
    def run(phone: PhoneHandle, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [adbutils.adb_path(), "-s", phone.serial, *arguments],
            input=stdin,
            capture_output=True,
            check=False,
            timeout=60,
        )

    return run


@pytest.fixture(scope="session")
def pixel(lab_environment: dict[str, str]) -> PhoneHandle:
    """A phone that tests share: they leave it as they found it."""
    return manager.up(["pixel-3"], say=lambda _: None)[0]


@pytest.fixture
def make_phone(lab_environment: dict[str, str]) -> Iterator[MakePhone]:
    """Phones for tests that disturb them."""
    made: list[str] = []

    def make(model: str = "pixel-3", **options: object) -> PhoneHandle:
        phone = manager.up([model], say=lambda _: None, options=PhoneOptions(**options))[0]  # type: ignore[arg-type]
        made.append(phone.serial)
        return phone

    yield make
    manager.down(serial for serial in made if (manager.lab_root() / serial).is_dir())


@pytest.fixture(scope="session")
def affinity_program() -> Path:
    """A static arm64 program that reports affinity, cross-compiled by zig."""
    source = Path(__file__).with_name("affinity.c")
    target = paths.build_root() / "tests" / "affinity-arm64"
    if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
        target.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "ziglang", "cc", "-target", "aarch64-linux-musl", "-static", "-O1", "-s"]
        environment = os.environ | {"ZIG_GLOBAL_CACHE_DIR": str(paths.build_root() / "zig-cache")}
        fresh = target.with_suffix(f".{os.getpid()}")
        done = subprocess.run(
            [*command, "-o", str(fresh), str(source)], capture_output=True, env=environment, check=False
        )
        if done.returncode != 0:
            _missing(f"zig cannot compile for arm64: {done.stderr.decode(errors='replace')[-300:]}")
        fresh.replace(target)
    return target
