"""No loop of the NEON kernels, of 64 and of 32 bits, keeps sums on the stack, whichever compiler of an NDK made it; one
-O level for all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks.aarch64.arm32_instructions import ARM32, is_sum
from benchmarks.aarch64.instructions import ARM64, InstructionSet
from benchmarks.aarch64.loops import Loop, disassemble, innermost
from harness.paths import data_root
from harness.toolchain import cmake, flags, toolchain
from tests import named_ndk

if TYPE_CHECKING:
    from tests.native.conftest import Builds

pytestmark = [pytest.mark.native, pytest.mark.xdist_group("spills")]

KERNELS = "CMakeFiles/indirectconv.dir/src/kernels/f32"
KERNEL = f"{KERNELS}/neon_6x16.c.o"
KERNELS_32 = {"neon_4x8": (29, 16), "vfpv4_4x8": (17, 8)}  # instructions of the largest tile's loop, multiplications
TRANSFORMS = ("split", "join")  # of Fourier: 5 or 8 complex numbers don't fit 16 registers
# Those of r24 and r25, and of r28; zig brings a newer one.
COMPILERS = ("clang-14", "clang-19")
# What an NDK's file says where it matters here; an NDK's headers are replaced by those that zig has.
TOOLCHAIN_FILE = """
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR @PROCESSOR@)
set(CMAKE_C_COMPILER "@FOLDER@/toolchains/llvm/prebuilt/linux-x86_64/bin/clang")
set(CMAKE_C_COMPILER_TARGET @TARGET@24)
set(CMAKE_ASM_COMPILER_TARGET @TARGET@24)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_POSITION_INDEPENDENT_CODE TRUE)
set(CMAKE_C_FLAGS_INIT "-g -DANDROID -fdata-sections -ffunction-sections -funwind-tables -fstack-protector-strong \
-no-canonical-prefixes -D_FORTIFY_SOURCE=2 -Wformat -Werror=format-security -nostdlibinc @FLAGS@ \
-isystem @HEADERS@/@MUSL@ -isystem @HEADERS@/generic-musl")
set(CMAKE_C_FLAGS_RELEASE_INIT "-O3 -DNDEBUG")
"""


ABIS = {
    "arm64-v8a": {"PROCESSOR": "aarch64", "TARGET": "aarch64-none-linux-android", "MUSL": "aarch64-linux-musl"},
    "armeabi-v7a": {
        **{"PROCESSOR": "armv7-a", "TARGET": "armv7-none-linux-androideabi", "MUSL": "arm-linux-musl"},
        "FLAGS": "-march=armv7-a -mthumb",
    },
}


def ndk_with(compiler: str, folder: Path, abi: str = "arm64-v8a") -> Path:
    """A folder shaped like an NDK whose clang is ``compiler``."""
    headers = cmake.zig_program().parent / "lib/libc/include"
    (folder / "build/cmake").mkdir(parents=True)
    text = TOOLCHAIN_FILE.replace("@FOLDER@", str(folder)).replace("@HEADERS@", str(headers))
    for name, value in ({"FLAGS": ""} | ABIS[abi]).items():
        text = text.replace(f"@{name}@", value)
    (folder / "build/cmake/android.toolchain.cmake").write_text(text)
    (folder / "source.properties").write_text("Pkg.Desc = Android NDK\nPkg.Revision = 27.2.12479018\n")
    clang = folder / "toolchains/llvm/prebuilt/linux-x86_64/bin/clang"
    clang.parent.mkdir(parents=True)
    clang.write_text(f'#!/bin/sh\nexec {compiler} "$@"\n')  # a link would be looked for beside its resources
    clang.chmod(0o755)
    return folder


def kernel_loops(objdump: str, path: Path, isa: InstructionSet = ARM64) -> list[Loop]:
    """The innermost loops that multiply vectors."""
    functions = disassemble(objdump, path, isa)
    return [loop for name, body in functions.items() for loop in innermost(name, body, isa) if loop.mix["fma"]]


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


def judge_32(objdump: str, folder: Path) -> None:
    """Of 32-bit Arm: no loop of a tile has anything on the stack, none at all sums; clang 14 keeps a pointer there."""
    for kernel, counted in KERNELS_32.items():
        loops = kernel_loops(objdump, folder / KERNELS / f"arm32/{kernel}.c.o", ARM32)
        loops = [loop for loop in loops if not loop.function.startswith(tuple(f"{kernel}:{f}_" for f in TRANSFORMS))]
        assert len({loop.function for loop in loops}) >= 16  # of 4 x 2 tiles and as many depthwise ones
        spills = {loop.function for loop in loops if loop.mix["spills"] and ":tile_" in loop.function}
        assert (kernel, spills) == (kernel, set())
        assert [loop.function for loop in loops if any(map(is_sum, loop.texts))] == []
        largest = max((loop for loop in loops if loop.function.endswith(":tile_4x2")), key=lambda loop: loop.mix["fma"])
        assert (len(largest.body), largest.mix["fma"]) == counted


@pytest.mark.parametrize("compiler", COMPILERS)
def test_no_loop_of_32_bit_arm_spills_with_compilers_of_an_ndk(
    tmp_path: Path, need_tool: Callable[[str], str], compiler: str
) -> None:
    objdump, abi = need_tool("llvm-objdump"), "armeabi-v7a"
    chosen = toolchain.choose(abi, "ndk", ndk_with(need_tool(compiler), tmp_path / "ndk", abi), lambda _line: None)
    objects = [f"{KERNELS}/arm32/{kernel}.c.o" for kernel in KERNELS_32]
    # In Thumb, too: their assembly is longer than compilers take it for.
    objects += [f"bench/CMakeFiles/convbench.dir/probes/{probe}_probe.c.o" for probe in ("clock", "peak")]
    cmake.build(data_root() / "native", tmp_path / "out", chosen.defines, tmp_path / "log", objects)
    judge_32(objdump, tmp_path / "out")


def test_no_loop_of_32_bit_arm_spills_with_zig(native_builds: Builds, need_tool: Callable[[str], str]) -> None:
    judge_32(need_tool("llvm-objdump"), native_builds("arm32").folder)


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
