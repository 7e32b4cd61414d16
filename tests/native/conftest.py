"""Builds of the C library that the native tests run, each made once per session, and the programs' results."""

from __future__ import annotations

import functools
import os
import platform
import shutil
import subprocess
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

ROOT = Path(__file__).resolve().parents[2]
NATIVE = ROOT / "native"
BUILD_SECONDS = 300
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
        """The object of a source file of the library, e.g. ``kernels/scalar_4x4.c``."""
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


def _tool(name: str) -> str:
    """cmake and ninja are wheels: they lie beside this Python, which PATH may not hold."""
    beside = Path(sysconfig.get_path("scripts")) / name
    found = str(beside) if beside.is_file() else shutil.which(name)
    if not found:
        pytest.fail(f"{name} is neither in {beside.parent} nor in PATH")
    return found


def _need(name: str, apt: str) -> str:
    found = shutil.which(name)
    if not found:
        reason = f"{name} is missing: apt-get install {apt}"
        if os.environ.get("CI", "").lower() in ("true", "1"):
            pytest.fail(f"cannot run, and CI=true: {reason}", pytrace=False)
        pytest.skip(reason)
    return found


def _cmake(folder: Path, options: Sequence[str], targets: Sequence[str]) -> None:
    environment = dict(os.environ)
    environment.setdefault("ZIG_GLOBAL_CACHE_DIR", str(ROOT / "build" / "zig-cache"))
    configure = [_tool("cmake"), "-S", str(NATIVE), "-B", str(folder), "-G", "Ninja", "-DIC_BUILD_TESTS=ON"]
    configure += [f"-DCMAKE_MAKE_PROGRAM={_tool('ninja')}", *options]
    compile_ = [_tool("cmake"), "--build", str(folder), "--target", *targets]
    for command in (configure, compile_):
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False, env=environment
        )
        if done.returncode != 0:
            pytest.fail(f"{' '.join(command)}\n{done.stdout}{done.stderr}", pytrace=False)


def _zig(kind: str) -> list[str]:
    import ziglang

    zig = Path(ziglang.__file__).parent / "zig"
    return [f"-DCMAKE_TOOLCHAIN_FILE={ROOT / 'ndk' / f'zig-{kind}.cmake'}", f"-DIC_ZIG={zig}"]


@pytest.fixture(scope="session")
def native_builds(tmp_path_factory: pytest.TempPathFactory) -> Builds:
    """Builds by kind: ``zig`` (this machine), ``broken`` (the same with faulty kernels), ``sanitized`` (clang, address
    and undefined behaviour), ``threads`` (clang, data races), ``gcc``, ``arm64`` (zig, run by qemu),
    ``arm64-undefined`` (its one sanitizer there)."""

    def make(kind: str) -> NativeBuild:
        runner: tuple[str, ...] = ()
        if kind == "zig":
            options = _zig("host")
        elif kind == "broken":
            options = [*_zig("host"), "-DIC_BROKEN_KERNEL=ON"]
        elif kind == "sanitized":
            options = [
                f"-DCMAKE_C_COMPILER={_need('clang', 'clang libclang-rt-14-dev')}",
                "-DIC_SANITIZE=address,undefined",
            ]
        elif kind == "threads":
            options = [f"-DCMAKE_C_COMPILER={_need('clang', 'clang libclang-rt-14-dev')}", "-DIC_SANITIZE=thread"]
        elif kind == "gcc":
            options = [f"-DCMAKE_C_COMPILER={_need('gcc', 'gcc')}"]
        else:
            runner = () if platform.machine() == "aarch64" else (_need("qemu-aarch64-static", "qemu-user-static"),)
            options = _zig("arm64")
            if kind == "arm64-undefined":
                options.append("-DIC_SANITIZE=undefined")
        folder = tmp_path_factory.mktemp(f"native-{kind}")
        programs = ["test_choice", "test_kernels", "test_memory", "test_object", "test_order", "test_tune"]
        if kind.startswith("arm64") or platform.machine() == "aarch64":
            programs.append("test_assembly")
        _cmake(folder, options, programs)
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
