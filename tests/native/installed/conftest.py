"""The library as `cmake --install` leaves it, once for each compiler."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from harness.toolchain import cmake
from tests.native.installed.programs import Installed, run

if TYPE_CHECKING:
    from tests.native.conftest import LibraryBuild


def _compilers(kind: str, need_tool: Callable[[str], str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if kind == "gcc":
        return (need_tool("gcc"),), (need_tool("g++"),)
    if kind == "clang":
        return (need_tool("clang"),), (need_tool("clang++"),)
    if kind == "arm64-gcc":
        return (need_tool("aarch64-linux-gnu-gcc"),), (need_tool("aarch64-linux-gnu-g++"),)
    # `zig c++` would build the C++ library, which the examples do not need, for minutes.
    zig: tuple[str, ...] = (str(cmake.zig_program()), "cc", "-g0", "-fno-sanitize=undefined")
    if kind == "arm64":
        zig = (*zig, "-target", "aarch64-linux-musl", "-mcpu=generic")
    else:
        machine = platform.machine()
        cpu = "x86_64" if machine == "x86_64" else "generic"
        zig = (*zig, "-target", f"{machine}-linux-gnu.2.28", f"-mcpu={cpu}")
    return zig, zig


@pytest.fixture(scope="session")
def installed(
    library_builds: Callable[[str], LibraryBuild],
    need_tool: Callable[[str], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str], Installed]:
    """``installed("gcc")``: by what built the library and builds the programs: gcc, clang, zig (for this machine),
    arm64 (zig, static programs), arm64-gcc."""
    kept: dict[str, Installed] = {}

    def make(kind: str) -> Installed:
        c, cxx = _compilers(kind, need_tool)
        library = library_builds(kind)
        folder = tmp_path_factory.mktemp(f"installed-{kind}")
        run(cmake.programs()[0], "--install", library.folder, "--prefix", folder / "first")
        shutil.move(folder / "first", folder / "a place")  # it may be moved, also to where a blank is in the name
        defines = {**library.defines, "CMAKE_CXX_COMPILER": ";".join(cxx)}
        return Installed(folder / "a place", c, cxx, defines, library.runner, is_static=kind == "arm64")

    def once(kind: str) -> Installed:
        if kind not in kept:
            kept[kind] = make(kind)
        return kept[kind]

    return once
