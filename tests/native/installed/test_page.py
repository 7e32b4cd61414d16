"""docs/library.md: its C is a program, its C++ compiles, its commands without CMake build the library."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.toolchain import cmake
from tests.native.installed.programs import EXAMPLES, NATIVE, ROOT, Installed, run
from tests.native.installed.sharedobject import exported
from tests.native.installed.test_installed import FUNCTIONS

if TYPE_CHECKING:
    from tests.native.conftest import LibraryBuild

pytestmark = pytest.mark.native

PAGE = (ROOT / "docs/library.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("language", ["C", "CXX"])
@pytest.mark.parametrize("build", ["gcc", "clang", "arm64-gcc"])
def test_the_blocks_in_c_are_a_program(
    installed: Callable[[str], Installed], tmp_path: Path, build: str, language: str
) -> None:
    library, source, objects = installed(build), tmp_path / "page.c", tmp_path / "page.o"
    source.write_text("\n".join(blocks("c")))
    header = f"-I{library.prefix / 'include'}"
    run(*library.compiler(language), "-Wshadow", header, "-c", "-o", objects, source)
    libraries = (library.prefix / "lib/libindirectconv.a", "-lm", "-pthread")
    run(*library.linker(language), "-o", tmp_path / "page", objects, *libraries)
    text = library.execute(tmp_path / "page")
    assert "scalar_4x4: 4 pixels by 4 channels, runs here\n" in text
    assert re.search(r"^\S+: \d+ bytes of weights, \d+ of pointers\n\Z", text, re.MULTILINE)


@pytest.mark.parametrize("build", ["gcc", "clang"])
def test_the_block_in_cpp_compiles(installed: Callable[[str], Installed], tmp_path: Path, build: str) -> None:
    (block,) = blocks("cpp")
    (tmp_path / "page.cpp").write_text(block)
    library = installed(build)
    header = f"-I{library.prefix / 'include'}"
    run(*library.compiler("CXX"), header, "-c", "-o", tmp_path / "page.o", tmp_path / "page.cpp")


def plainly(folder: Path, compiler: str, machine: str) -> Path:
    """Where the page's commands build the library, run at the top of a checkout."""
    (folder / "native").symlink_to(ROOT / "native")
    (folder / "zig").symlink_to(cmake.zig_program())
    (block,) = blocks("sh")
    tune = {"TUNE": "neoverse_v2"} if compiler.startswith("zig") else {}
    path = f"{folder}:{os.environ['PATH']}"
    run("sh", "-e", "-c", block, cwd=folder, env={"CC": compiler, "MACHINE": machine, "PATH": path, **tune})
    return folder / "build/plain"


def code(objdump: str, path: Path) -> str:
    lines = run(objdump, "-d", "--no-show-raw-insn", path).splitlines()
    return "\n".join(line for line in lines if "file format" not in line)


@pytest.mark.parametrize("build", ["gcc", "arm64"])
def test_the_commands_without_cmake_build_the_same_library(
    installed: Callable[[str], Installed],
    library_builds: Callable[[str], LibraryBuild],
    need_tool: Callable[[str], str],
    tmp_path: Path,
    build: str,
) -> None:
    """The example runs with it, and each kernel is what CMake's flags make of it."""
    library = installed(build)
    made = plainly(
        tmp_path, *(("gcc", platform.machine()) if build == "gcc" else ("zig cc -target aarch64-linux-musl", "aarch64"))
    )
    assert exported(made / "libindirectconv.so") == FUNCTIONS
    source, archive = EXAMPLES / "convolve.c", made / "libindirectconv.a"
    run(*library.compiler("C"), f"-I{NATIVE / 'include'}", "-c", "-o", tmp_path / "convolve.o", source)
    run(*library.linker("C"), "-o", tmp_path / "convolve", tmp_path / "convolve.o", archive, "-lm", "-pthread")
    assert "corner 6, middle 13.5" in library.execute(tmp_path / "convolve")
    objdump, objects = need_tool("llvm-objdump"), library_builds(build).folder / "CMakeFiles/indirectconv.dir"
    # A folder that is built again may hold objects of sources that have moved.
    every = sorted((objects / "src/kernels").rglob("*.o"))
    kernels = [kernel for kernel in every if (NATIVE / kernel.relative_to(objects)).with_suffix("").exists()]
    assert len(kernels) >= 5
    for kernel in kernels:
        other = made / f"native_{str(kernel.relative_to(objects)).replace('/', '_')}"
        assert code(objdump, other) == code(objdump, kernel), f"{kernel.name}: see the flags in docs/library.md"
