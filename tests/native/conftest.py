"""Builds of the C library that the native tests run, each made once per session, and the programs' results."""

from __future__ import annotations

import functools
import platform
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest
from filelock import FileLock

from harness.errors import InfrastructureError
from harness.toolchain import cmake

ROOT = Path(__file__).resolve().parents[2]
NATIVE = ROOT / "native"
PROGRAMS = (
    "test_choice",
    "test_core",
    "test_description",
    "test_kernels",
    "test_meminfo",
    "test_memory",
    "test_object",
    "test_options",
    "test_order",
    "test_pool",
    "test_status",
    "test_tune",
    "test_tuned",
    "test_tuned_auto",
)
CASE_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Result:
    """How one case of a test program ended."""

    code: int
    text: str


@dataclass(frozen=True, slots=True)
class NativeBuild:
    """A build folder with the test programs, and what runs them (nothing, or an emulator and its options)."""

    folder: Path
    runner: tuple[str, ...] = ()

    def run(self, program: str, *arguments: str) -> Result:
        """Runs one case; a result is kept, so that a second question costs nothing."""
        return _run((*self.runner, str(self.folder / "tests" / program), *arguments))

    def object_file(self, name: str) -> Path:
        """The object of a source file of the library, e.g. ``kernels/f32/scalar_4x4.c``."""
        return next(self.folder.glob(f"CMakeFiles/indirectconv.dir/src/{name}.o"))

    def under(self, *runner: str) -> NativeBuild:
        """The same programs under an emulator."""
        return NativeBuild(self.folder, runner)


class Builds(Protocol):
    """``native_builds("zig")``."""

    def __call__(self, kind: str) -> NativeBuild: ...


@functools.cache
def _run(command: tuple[str, ...]) -> Result:
    done = subprocess.run(command, capture_output=True, text=True, timeout=CASE_SECONDS, check=False)
    return Result(done.returncode, (done.stdout + done.stderr).strip())


def _zig(kind: str) -> dict[str, str]:
    return {"CMAKE_TOOLCHAIN_FILE": str(ROOT / "ndk" / f"zig-{kind}.cmake"), "IC_ZIG": str(cmake.zig_program())}


@pytest.fixture(scope="session")
def native_builds(need_tool: Callable[[str], str]) -> Builds:
    """Builds by kind: ``zig`` (this machine), ``broken`` (the same with faulty kernels), ``sanitized`` (clang, address
    and undefined behaviour), ``threads`` (clang, data races), ``gcc``, ``arm64`` (zig, run by qemu),
    ``arm64-undefined`` (its one sanitizer there). They lie in build/tests: made once for all processes that test, and
    a second time only what changed."""

    def make(kind: str) -> NativeBuild:
        runner: tuple[str, ...] = ()
        programs: tuple[str, ...] = PROGRAMS
        if kind == "zig":
            defines = _zig("host")
        elif kind == "broken":
            defines = {**_zig("host"), "IC_BROKEN_KERNEL": "ON"}
            programs = ("test_kernels", "convbench")
        elif kind == "sanitized":
            defines = {"CMAKE_C_COMPILER": need_tool("clang"), "IC_SANITIZE": "address,undefined"}
        elif kind == "threads":
            defines = {"CMAKE_C_COMPILER": need_tool("clang"), "IC_SANITIZE": "thread"}
            programs = ("test_kernels", "test_pool")
        elif kind == "gcc":
            defines = {"CMAKE_C_COMPILER": need_tool("gcc")}
        else:
            runner = () if platform.machine() == "aarch64" else (need_tool("qemu-aarch64-static"),)
            defines = _zig("arm64")
            if kind == "arm64-undefined":
                defines["IC_SANITIZE"] = "undefined"
        if kind.startswith("arm64") or (kind in ("zig", "sanitized", "gcc") and platform.machine() == "aarch64"):
            programs = (*programs, "test_assembly")
        folder = ROOT / "build" / "tests" / f"native-{kind}"
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock"):
            try:
                cmake.build(NATIVE, folder, {"IC_BUILD_TESTS": "ON", **defines}, folder / "log", programs)
            except InfrastructureError as error:
                pytest.fail(str(error), pytrace=False)
        return NativeBuild(folder, runner)

    kept: dict[str, NativeBuild | BaseException] = {}

    def once(kind: str) -> NativeBuild:
        """A build that fails fails once; the other tests of it get the same answer at once."""
        if kind not in kept:
            try:
                kept[kind] = make(kind)
            except (pytest.fail.Exception, pytest.skip.Exception) as error:
                kept[kind] = error
        outcome = kept[kind]
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    return once
