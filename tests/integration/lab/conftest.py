"""Virtual phones as an adb client sees them."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.aarch64.plugins import ARM64_PROGRAM, compile_with_zig
from harness import paths
from harness.errors import InfrastructureError
from harness.lab.manager import PhoneHandle

Adb = Callable[..., subprocess.CompletedProcess[bytes]]
MakePhone = Callable[..., PhoneHandle]


@pytest.fixture(scope="module")
def adb(lab: Any) -> Adb:
    """``adb(phone, "shell", ...)``"""

    def run(phone: PhoneHandle, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        done: subprocess.CompletedProcess[bytes] = lab.adb("-s", phone.serial, *arguments, stdin=stdin)
        return done

    return run


@pytest.fixture(scope="module")
def pixel(lab: Any) -> Iterator[PhoneHandle]:
    """A phone that tests share: they leave it as they found it."""
    with lab.phone() as made:
        yield made


@pytest.fixture
def make_phone(lab: Any, lab_environment: dict[str, str]) -> Iterator[MakePhone]:
    """Phones for tests that disturb them."""
    made: list[PhoneHandle] = []

    def make(model: str = "pixel-3", **options: object) -> PhoneHandle:
        made.append(lab.up(model, **options))
        return made[-1]

    yield make
    for phone in made:
        lab.down(phone)


@pytest.fixture(scope="session")
def affinity_program(cannot_run: Callable[[str], None]) -> Path:
    """A static arm64 program that reports affinity, cross-compiled by zig."""
    source = Path(__file__).with_name("affinity.c")
    target = paths.build_root() / "tests" / "affinity-arm64"
    if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_suffix(f".{os.getpid()}")
        try:
            compile_with_zig([*ARM64_PROGRAM, "-o", str(fresh), str(source)])
        except InfrastructureError as error:
            cannot_run(str(error))
        fresh.replace(target)
    return target
