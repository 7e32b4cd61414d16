"""No loop of the NEON kernels keeps sums on the stack, whichever compiler of an NDK made it; one -O level for all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks.aarch64.instructions import ARM64
from benchmarks.aarch64.loops import Loop, disassemble, innermost
from harness.paths import data_root
from harness.toolchain import cmake, flags, toolchain
from tests import named_ndk

if TYPE_CHECKING:
    from tests.native.conftest import Builds

pytestmark = [pytest.mark.native, pytest.mark.xdist_group("spills")]

KERNEL = "CMakeFiles/indirectconv.dir/src/kernels/f32/neon_6x16.c.o"
# Those of r24 and r25, and of r28; zig brings a newer one.
COMPILERS = ("clang-14", "clang-19")
# What an NDK's file says where it matters here; an NDK's headers are replaced by those that zig has.
TOOLCHAIN_FILE = """
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER "@FOLDER@/toolchains/llvm/prebuilt/linux-x86_64/bin/clang")
set(CMAKE_C_COMPILER_TARGET aarch64-none-linux-android24)
set(CMAKE_ASM_COMPILER_TARGET aarch64-none-linux-android24)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_POSITION_INDEPENDENT_CODE TRUE)
set(CMAKE_C_FLAGS_INIT "-g -DANDROID -fdata-sections -ffunction-sections -funwind-tables -fstack-protector-strong \
-no-canonical-prefixes -D_FORTIFY_SOURCE=2 -Wformat -Werror=format-security -nostdlibinc \
-isystem @HEADERS@/aarch64-linux-musl -isystem @HEADERS@/generic-musl")
set(CMAKE_C_FLAGS_RELEASE_INIT "-O3 -DNDEBUG")
"""


def ndk_with(compiler: str, folder: Path) -> Path:
    """A folder shaped like an NDK whose clang is ``compiler``."""
    headers = cmake.zig_program().parent / "lib/libc/include"
    (folder / "build/cmake").mkdir(parents=True)
    text = TOOLCHAIN_FILE.replace("@FOLDER@", str(folder)).replace("@HEADERS@", str(headers))
    (folder / "build/cmake/android.toolchain.cmake").write_text(text)
    (folder / "source.properties").write_text("Pkg.Desc = Android NDK\nPkg.Revision = 27.2.12479018\n")
    clang = folder / "toolchains/llvm/prebuilt/linux-x86_64/bin/clang"
    clang.parent.mkdir(parents=True)
    clang.write_text(f'#!/bin/sh\nexec {compiler} "$@"\n')  # a link would be looked for beside its resources
    clang.chmod(0o755)
    return folder


def kernel_loops(objdump: str, path: Path) -> list[Loop]:
    """The innermost loops that multiply vectors."""
    functions = disassemble(objdump, path)
    return [loop for name, body in functions.items() for loop in innermost(name, body, ARM64) if loop.mix["fma"]]


def without_spills(objdump: str, path: Path) -> list[Loop]:
    """Those loops; raises AssertionError with the ones that touch the stack."""
    loops = kernel_loops(objdump, path)
    assert len({loop.function for loop in loops}) >= 48  # of 6 x 4 tiles and as many depthwise ones
    assert {loop.function: loop.mix["spills"] for loop in loops if loop.mix["spills"]} == {}
    return loops


def judge(objdump: str, path: Path) -> None:
    """The same, and the largest tile is as it was counted (docs/kernels.md)."""
    loops = without_spills(objdump, path)
    largest = [loop for loop in loops if loop.function == "neon_6x16:tile_6x4" and loop.mix["fma"] == 96]
    assert [len(loop.body) for loop in largest] == [113]


@pytest.mark.parametrize("compiler", COMPILERS)
def test_no_loop_spills_with_compilers_of_an_ndk(
    tmp_path: Path, need_tool: Callable[[str], str], compiler: str
) -> None:
    objdump, ndk = need_tool("llvm-objdump"), ndk_with(need_tool(compiler), tmp_path / "ndk")
    chosen = toolchain.choose("arm64-v8a", "ndk", ndk, lambda _line: None)
    assert chosen.identity["compiler"].split("version ")[1].startswith(compiler.removeprefix("clang-"))
    out = tmp_path / "out"
    cmake.build(data_root() / "native", out, chosen.defines, tmp_path / "log", (KERNEL,))
    judge(objdump, out / KERNEL)
    seen = flags.read_back(out)
    levels = [flag for flag in seen["every_file"] if flag.startswith("-O")]
    assert levels == ["-O2"]
    assert {"-D NDEBUG", "-D _FORTIFY_SOURCE=2", "-stack-protector 2", "-pic-level 2"} <= set(seen["every_file"])
    assert [flag for flag in seen["further"]["neon_6x16.c"] if flag.startswith("-tune-cpu neoverse-")]


@pytest.mark.parametrize("folder", named_ndk.named(), ids=["named"] * len(named_ndk.named()))
def test_no_loop_spills_with_the_ndk_that_the_environment_named(
    tmp_path: Path, need_tool: Callable[[str], str], folder: Path
) -> None:
    objdump = need_tool("llvm-objdump")
    chosen = toolchain.choose("arm64-v8a", "ndk", folder, lambda _line: None)
    cmake.build(data_root() / "native", tmp_path / "out", chosen.defines, tmp_path / "log", (KERNEL,))
    without_spills(objdump, tmp_path / "out" / KERNEL)


def test_no_loop_spills_with_zig(native_builds: Builds, need_tool: Callable[[str], str]) -> None:
    build = native_builds("arm64")
    judge(need_tool("llvm-objdump"), build.object_file("kernels/f32/neon_6x16.c"))
    assert [flag for flag in flags.read_back(build.folder)["every_file"] if flag.startswith("-O")] == ["-O2"]
