"""Builds of the C library that the native tests run, each made once per session, and the programs' results."""

from __future__ import annotations

import functools
import os
import platform
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest
from filelock import FileLock

from harness.errors import InfrastructureError
from harness.store.journal import write_atomically
from harness.toolchain import cmake

ROOT = Path(__file__).resolve().parents[2]
NATIVE = ROOT / "native"
PROGRAMS = (
    "test_choice",
    "test_core",
    "test_counters",
    "test_description",
    "test_fft",
    "test_gate",
    "test_kernels",
    "test_meminfo",
    "test_memory",
    "test_object",
    "test_options",
    "test_order",
    "test_pool",
    "test_residency",
    "test_settling",
    "test_status",
    "test_sysfile",
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


@dataclass(frozen=True, slots=True)
class _Setting:
    defines: dict[str, str]
    programs: tuple[str, ...] = PROGRAMS
    runner: tuple[str, ...] = ()


def _setting(kind: str, need_tool: Callable[[str], str]) -> _Setting:
    """CMake's variables of a kind of build, its test programs, and what runs them."""
    programs: tuple[str, ...] = PROGRAMS
    if platform.machine() == "aarch64" and kind in ("zig", "sanitized", "gcc"):
        programs = (*programs, "test_assembly")
    if kind == "zig":
        return _Setting(_zig("host"), programs)
    if kind == "broken":
        return _Setting({**_zig("host"), "IC_BROKEN_KERNEL": "ON"}, ("test_kernels", "test_fft", "convbench"))
    if kind == "sanitized":
        return _Setting({"CMAKE_C_COMPILER": need_tool("clang"), "IC_SANITIZE": "address,undefined"}, programs)
    if kind == "threads":
        defines = {"CMAKE_C_COMPILER": need_tool("clang"), "IC_SANITIZE": "thread"}
        return _Setting(defines, ("test_kernels", "test_pool", "test_fft"))
    if kind in ("gcc", "clang"):
        return _Setting({"CMAKE_C_COMPILER": need_tool(kind)}, programs)
    if kind == "arm32":
        return _Setting(_zig("armeabi-v7a"), programs, (need_tool("qemu-arm-static"), "-L", str(_arm_files())))
    runner = () if platform.machine() == "aarch64" else (need_tool("qemu-aarch64-static"),)
    if kind == "arm64-gcc":  # its programs need the C library that comes with the compiler
        defines = {
            "CMAKE_SYSTEM_NAME": "Linux",
            "CMAKE_SYSTEM_PROCESSOR": "aarch64",
            "CMAKE_C_COMPILER": need_tool("aarch64-linux-gnu-gcc"),
        }
        return _Setting(defines, runner=(*runner, "-L", "/usr/aarch64-linux-gnu") if runner else ())
    defines = _zig("arm64")
    if kind == "arm64-undefined":
        return _Setting({**defines, "IC_SANITIZE": "undefined"}, ("test_kernels", "test_assembly"), runner)
    return _Setting(defines, (*programs, "test_assembly"), runner)


def _arm_files() -> Path:
    """A folder whose files the emulator shows instead of this machine's: of which cores a 32-bit program learns."""
    folder = ROOT / "build" / "tests" / "arm32-files"
    (folder / "proc").mkdir(parents=True, exist_ok=True)
    core = "CPU implementer\t: 0x41\nCPU architecture: 7\nCPU variant\t: 0x0\nCPU part\t: 0xd03\nCPU revision\t: 4\n"
    text = "\n".join(f"processor\t: {cpu}\n{core}" for cpu in range(max(os.sched_getaffinity(0)) + 1))
    write_atomically(folder / "proc" / "cpuinfo", text.encode())
    return folder


def _compile(kind: str, defines: dict[str, str], targets: tuple[str, ...]) -> Path:
    folder = ROOT / "build" / "tests" / f"native-{kind}"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):
        try:
            cmake.build(NATIVE, folder, defines, folder / "log", targets)
        except InfrastructureError as error:
            pytest.fail(str(error), pytrace=False)
    return folder


@pytest.fixture(scope="session")
def native_builds(need_tool: Callable[[str], str]) -> Builds:
    """Builds by kind: ``zig`` (this machine), ``broken`` (the same with faulty kernels), ``sanitized`` (clang, address
    and undefined behaviour), ``threads`` (clang, data races), ``gcc``, ``arm64`` (zig, run by qemu),
    ``arm64-undefined`` (its one sanitizer there), ``arm32`` (zig for armeabi-v7a, run by qemu). They lie in
    build/tests: made once for all processes that test, and a second time only what changed."""

    def make(kind: str) -> NativeBuild:
        setting = _setting(kind, need_tool)
        folder = _compile(kind, {"IC_BUILD_TESTS": "ON", **setting.defines}, setting.programs)
        return NativeBuild(folder, setting.runner)

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


@dataclass(frozen=True, slots=True)
class LibraryBuild:
    """A build folder with the static and the shared library, what runs its programs, and the variables given."""

    folder: Path
    runner: tuple[str, ...]
    defines: dict[str, str]


@pytest.fixture(scope="session")
def library_builds(need_tool: Callable[[str], str]) -> Callable[[str], LibraryBuild]:
    """The libraries alone, by the kinds of ``native_builds``, and ``clang`` and ``arm64-gcc``; in the same folders."""

    def make(kind: str) -> LibraryBuild:
        setting = _setting(kind, need_tool)
        folder = _compile(kind, {"IC_BUILD_TESTS": "ON", **setting.defines}, ("indirectconv", "indirectconv_shared"))
        return LibraryBuild(folder, setting.runner, setting.defines)

    return make
