"""Real builds: with zig, with a folder shaped like an NDK, for this machine; and the ELF checks on real programs."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.digest import sha256_of
from harness.errors import InfrastructureError, UsageError
from harness.measure.greeting import protocol_in
from harness.paths import data_root
from harness.toolchain import builder, cmake, elf, libc, toolchain
from harness.toolchain.builder import Built, build
from tests import named_ndk

# Beside the tests of the one build that would add a C library to zig's cache while they look into it.
pytestmark = [pytest.mark.native, pytest.mark.xdist_group("arm64-undefined")]
MACHINE = {"x86_64": "EM_X86_64", "aarch64": "EM_AARCH64"}[os.uname().machine]

# Like an NDK's own file it looks at what it is given, but takes zig for a compiler.
TOOLCHAIN_FILE = """
set(wanted_ANDROID_ABI "arm64-v8a")
set(wanted_ANDROID_PLATFORM "android-24")
set(wanted_ANDROID_STL "none")
set(wanted_CMAKE_BUILD_TYPE "Release")
get_property(trying GLOBAL PROPERTY IN_TRY_COMPILE)
if(NOT trying)
  foreach(name ANDROID_ABI ANDROID_PLATFORM ANDROID_STL CMAKE_BUILD_TYPE)
    if(NOT "${${name}}" STREQUAL "${wanted_${name}}")
      message(FATAL_ERROR "NDK-shaped folder: ${name} is '${${name}}', not '${wanted_${name}}'")
    endif()
  endforeach()
  if(NOT CMAKE_EXE_LINKER_FLAGS MATCHES "-Wl,-z,max-page-size=16384")
    message(FATAL_ERROR "NDK-shaped folder: no page size in CMAKE_EXE_LINKER_FLAGS: '${CMAKE_EXE_LINKER_FLAGS}'")
  endif()
  if(NOT ANDROID_SUPPORT_FLEXIBLE_PAGE_SIZES)
    message(FATAL_ERROR "NDK-shaped folder: ANDROID_SUPPORT_FLEXIBLE_PAGE_SIZES is not ON")
  endif()
endif()
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(IC_ZIG "@ZIG@")
set(IC_ZIG_TARGET aarch64-linux-musl)
set(IC_ZIG_CPU generic)
include("@ROOT@/ndk/zig.cmake")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-static")
"""


@pytest.fixture
def ndk(tmp_path: Path) -> Path:
    """A folder shaped like NDK r27, beside those of r9 and r100 that must not be mistaken for it."""
    folder = tmp_path / "sdk/ndk/27.2.12479018"
    (folder / "build/cmake").mkdir(parents=True)
    text = TOOLCHAIN_FILE.replace("@ZIG@", str(cmake.zig_program())).replace("@ROOT@", str(data_root()))
    (folder / "build/cmake/android.toolchain.cmake").write_text(text)
    (folder / "source.properties").write_text("Pkg.Desc = Android NDK\nPkg.Revision = 27.2.12479018\n")
    clang = folder / "toolchains/llvm/prebuilt/linux-x86_64/bin/clang"
    clang.parent.mkdir(parents=True)
    clang.write_text("#!/bin/sh\nexit 0\n")
    clang.chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def arm64() -> Built:
    return build("arm64-v8a", "zig")


def test_ndk_gets_everything_it_needs(ndk: Path, own_root: Path) -> None:
    said: list[str] = []
    built = build("arm64-v8a", "ndk", ndk, said.append)
    assert built.path == own_root / "arm64-v8a-ndk/convbench"
    assert (built.toolchain, built.cached) == ("ndk", False)
    assert said == [f"building for arm64-v8a with NDK 27.2.12479018 ({ndk})"]
    info = elf.check(built.path, machine="EM_AARCH64", android=True)
    assert set(info.alignments) == {16384}
    assert info.build_id == built.build_id
    sections = built.path.read_bytes()
    assert b".debug_info" not in sections  # stripped: it is pushed
    assert build("arm64-v8a", "auto", ndk).cached


@pytest.mark.parametrize("folder", named_ndk.named(), ids=["named"] * len(named_ndk.named()))
def test_the_ndk_that_the_environment_named(folder: Path, own_root: Path) -> None:
    built = build("arm64-v8a", "ndk", folder)
    assert (built.toolchain, built.cached) == ("ndk", False)
    info = elf.check(built.path, machine="EM_AARCH64", android=True)
    assert min(info.alignments) >= 16384 and info.build_id == built.build_id
    assert built.info["compiler"]["compiler"] and b".debug_info" not in built.path.read_bytes()


@pytest.mark.parametrize(
    "missing",
    ["ANDROID_ABI", "ANDROID_PLATFORM", "ANDROID_STL", "CMAKE_BUILD_TYPE", "CMAKE_EXE_LINKER_FLAGS"],
)
def test_ndk_configure_fails_without(ndk: Path, own_root: Path, missing: str) -> None:
    chosen = toolchain.choose("arm64-v8a", "ndk", ndk, lambda _line: None)
    defines = {key: value for key, value in chosen.defines.items() if key != missing}
    with pytest.raises(InfrastructureError, match=f"configure failed(.|\n)*{missing}"):
        cmake.build(data_root() / "native", own_root / "out", defines, own_root / "log")


def test_the_newest_ndk_of_an_sdk_is_built_with(ndk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """r9 is older than r27 and r100 newer, although text sorts r100 < r27 < r9."""
    for revision in ("9.0.0", "100.0.1"):
        other = ndk.parent / revision
        shutil.copytree(ndk, other)
        (other / "source.properties").write_text(f"Pkg.Desc = Android NDK\nPkg.Revision = {revision}\n")
    monkeypatch.delenv("ANDROID_NDK_HOME", raising=False)
    monkeypatch.delenv("ANDROID_NDK_ROOT", raising=False)
    monkeypatch.setenv("ANDROID_HOME", str(ndk.parents[1]))
    chosen = toolchain.choose("arm64-v8a", "auto", None, lambda _line: None)
    assert chosen.identity["revision"] == "100.0.1"
    with pytest.raises(UsageError, match="too old"):
        build("arm64-v8a", "ndk", ndk.parent / "9.0.0")


def arm64_libraries(folder: Path) -> list[Path]:
    """C libraries of that machine; those of others are made meanwhile by other tests."""
    paths = {path: path.read_bytes() for path in sorted(folder.glob("*/libc.a"))}
    return [path for path, data in paths.items() if data[(at := data.find(b"\x7fELF")) + 18 : at + 20] == b"\xb7\0"]


def test_builds_without_any_tool_in_path(
    arm64: Built, own_root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """And the same sources give the same build id elsewhere."""
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.delenv("CC", raising=False)
    host, phone = build("host"), build("arm64-v8a", "zig")
    assert not host.cached and not phone.cached
    assert phone.build_id == arm64.build_id
    libraries = own_root / "zig-cache/o"
    before = arm64_libraries(libraries)
    libc.warm(toolchain.choose("arm64-v8a", "zig", None, lambda _line: None), tmp_path / "warm")
    assert (tmp_path / "warm/empty").stat().st_size > 0
    assert before and arm64_libraries(libraries) == before  # else a cold build makes two, half a minute each
    monkeypatch.undo()
    done = subprocess.run([host.path, "info"], capture_output=True, check=True, timeout=60)
    assert host.build_id in done.stdout.decode()
    with pytest.raises(InfrastructureError, match=r"aligned to 4096|interpreter"):
        elf.check(host.path, machine=MACHINE, android=True)


def test_arm64_program_is_static_small_and_whole(arm64: Built) -> None:
    info = elf.check(arm64.path, machine="EM_AARCH64", android=True)
    assert info.interpreter == ""
    assert min(info.alignments) >= 16384
    assert info.size < 1_000_000 and info.protocol == protocol_in(data_root())
    assert len(arm64.build_id) == 40


def test_arm64_program_runs(arm64: Built, need_tool: Callable[[str], str]) -> None:
    qemu = need_tool("qemu-aarch64-static")
    done = subprocess.run([qemu, arm64.path, "info"], capture_output=True, check=True, timeout=60)
    assert arm64.build_id in done.stdout.decode()


def test_a_compiler_named_by_cc(
    own_root: Path, monkeypatch: pytest.MonkeyPatch, need_tool: Callable[[str], str]
) -> None:
    monkeypatch.setenv("CC", need_tool("clang"))
    built = build("host")
    assert "clang" in built.info["compiler"]["compiler"]
    assert subprocess.run([built.path, "info"], capture_output=True, check=False, timeout=60).returncode == 0


def test_a_compiler_error_is_shown_with_the_log(
    own_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = tmp_path / "checkout"
    shutil.copytree(data_root() / "native", sources / "native")
    shutil.copytree(data_root() / "ndk", sources / "ndk")
    with (sources / "native/src/core/status.c").open("a") as stream:
        stream.write("#error the reason\n")
    monkeypatch.setattr(builder, "data_root", lambda: sources)
    with pytest.raises(InfrastructureError, match=r"compile failed(.|\n)*the reason") as caught:
        build("host")
    assert "host.log" in caught.value.remedy
    assert not (own_root / "host").exists()
    assert not list(own_root.glob("make-*"))


def refused(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    with pytest.raises(InfrastructureError) as caught:
        elf.check(path, machine="EM_AARCH64", android=True)
    return caught.value.message


def test_a_real_program_cut_off_anywhere(arm64: Built, tmp_path: Path) -> None:
    data = arm64.path.read_bytes()
    size = len(data)
    for length in (0, 1, 63, 64, 500, 4096, 65536, size // 2, size - 65536, size - 1):
        message = refused(tmp_path / "cut", data[: max(length, 0)])
        assert "truncated" in message or "not a whole ELF file" in message


def test_a_real_program_changed(arm64: Built, tmp_path: Path) -> None:
    data = bytearray(arm64.path.read_bytes())
    path = tmp_path / "changed"
    path.write_bytes(data)
    elf.check(path, machine="EM_AARCH64", android=True)

    other = bytearray(data)
    struct.pack_into("<H", other, 18, 62)
    assert "wrong machine: EM_X86_64" in refused(path, bytes(other))

    offset, size, count = (
        struct.unpack_from("<Q", data, 32)[0],
        *struct.unpack_from("<HH", data, 54),
    )
    other = bytearray(data)
    for index in range(count):
        at = offset + index * size
        if struct.unpack_from("<I", data, at)[0] == 1:  # PT_LOAD
            struct.pack_into("<Q", other, at + 48, 4096)
            break
    assert "aligned to 4096 bytes" in refused(path, bytes(other))

    other = bytearray(data)
    for index in range(count):
        at = offset + index * size
        if struct.unpack_from("<I", data, at)[0] == 4:  # PT_NOTE
            struct.pack_into("<I", other, at, 0)
    assert "no build id" in refused(path, bytes(other))


def test_files_of_the_cache_are_what_was_built(arm64: Built) -> None:
    assert sha256_of(arm64.path) == arm64.info["sha256"]["convbench"]
    assert sha256_of(arm64.library) == arm64.info["sha256"]["libindirectconv.a"]
