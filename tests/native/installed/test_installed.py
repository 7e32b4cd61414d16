"""What lies in the folder after `cmake --install`, what the libraries in it show, and the header in every standard."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.toolchain import cmake
from tests.native.installed.programs import BUILDS, NATIVE, STRICT, Installed, configure, run
from tests.native.installed.sharedobject import exported, has_text_relocations, segments, soname

if TYPE_CHECKING:
    from tests.native.conftest import LibraryBuild

pytestmark = pytest.mark.native

HEADER = (NATIVE / "include/indirectconv.h").read_text()
FUNCTIONS = set(re.findall(r"^(?:ic_status|void|const char \*|unsigned|uint32_t) ?(ic_\w+)\(", HEADER, re.MULTILINE))
FILES = {
    "include/indirectconv.h",
    "lib/libindirectconv.a",
    "lib/libindirectconv.so",
    "lib/libindirectconv.so.0",
    "lib/libindirectconv.so.0.2.0",
    "lib/cmake/indirectconv/indirectconvConfig.cmake",
    "lib/cmake/indirectconv/indirectconvConfigVersion.cmake",
    "lib/cmake/indirectconv/indirectconvTargets.cmake",
    "lib/cmake/indirectconv/indirectconvTargets-release.cmake",
    "lib/pkgconfig/indirectconv.pc",
}


@pytest.mark.parametrize("build", BUILDS)
def test_installed_files(installed: Callable[[str], Installed], build: str) -> None:
    """These and no other ones, and no text of them names a folder of the build."""
    prefix = installed(build).prefix
    assert {str(path.relative_to(prefix)) for path in prefix.rglob("*") if not path.is_dir()} == FILES
    texts = [path for path in prefix.rglob("*") if path.suffix in (".cmake", ".pc", ".h")]
    assert [
        path.name for path in texts if str(prefix.parent) in path.read_text() or str(NATIVE) in path.read_text()
    ] == []


@pytest.mark.parametrize("build", BUILDS)
def test_the_shared_library_shows_the_header_and_nothing_else(
    installed: Callable[[str], Installed], need_tool: Callable[[str], str], build: str
) -> None:
    library = installed(build).prefix / "lib/libindirectconv.so"
    lines = run(need_tool("nm"), "-D", "--defined-only", library).splitlines()
    assert {line.split()[2] for line in lines} == FUNCTIONS == exported(library)
    assert len(FUNCTIONS) > 15
    assert soname(library) == "libindirectconv.so.0"
    assert not has_text_relocations(library)
    parts = segments(library)
    assert all(flags & 3 != 3 for _, flags, _ in parts), "writable and executable"
    if build.startswith("arm64"):
        assert {align for kind, _, align in parts if kind == "PT_LOAD"} == {16384}


@pytest.mark.parametrize("build", ["gcc", "clang", "arm64-gcc"])
def test_header_in_every_standard(installed: Callable[[str], Installed], tmp_path: Path, build: str) -> None:
    library = installed(build)
    header, made = f"-I{library.prefix / 'include'}", ("-c", "-o", str(tmp_path / "made.o"))
    for standard in ("c++11", "c++14", "c++17", "c++20"):
        run(*library.cxx, *STRICT, "-Wshadow", f"-std={standard}", header, *made, NATIVE / "tests/header.cpp")
    for standard in ("c99", "c11", "c17"):
        run(*library.c, *STRICT, "-Wshadow", f"-std={standard}", header, *made, NATIVE / "examples/convolve.c")


def flags_of(folder: Path) -> str:
    """The compilers' flags that Ninja was told."""
    return "\n".join(line for line in (folder / "build.ninja").read_text().splitlines() if "FLAGS = " in line)


def test_warnings_are_errors_in_our_own_builds_only(
    library_builds: Callable[[str], LibraryBuild], need_tool: Callable[[str], str], tmp_path: Path
) -> None:
    configure(NATIVE, tmp_path, CMAKE_C_COMPILER=need_tool("gcc"))
    assert "-Wconversion" in flags_of(tmp_path) and "-Werror" not in flags_of(tmp_path)
    assert "-Werror" in flags_of(library_builds("gcc").folder)


def test_a_project_takes_the_library_in(need_tool: Callable[[str], str], tmp_path: Path) -> None:
    """By add_subdirectory: the static library, without convbench, the shared one and a build type of its own."""
    source = tmp_path / "project"
    source.mkdir()
    (source / "CMakeLists.txt").write_text(f"""
cmake_minimum_required(VERSION 3.18)
project(outer LANGUAGES C)
add_subdirectory("{NATIVE}" indirectconv)
add_executable(convolve "{NATIVE}/examples/convolve.c")
target_link_libraries(convolve PRIVATE indirectconv::indirectconv)
get_property(targets DIRECTORY "{NATIVE}" PROPERTY BUILDSYSTEM_TARGETS)
file(WRITE targets "${{targets}}|${{CMAKE_BUILD_TYPE}}")
""")
    folder = tmp_path / "build"
    configure(source, folder, CMAKE_C_COMPILER=need_tool("gcc"))
    assert (source / "targets").read_text() == "indirectconv|"
    text = run(cmake.programs()[1], "-C", folder, "-n", "convolve")  # compiled by the other tests
    assert "Linking C executable convolve" in text


def test_a_shared_object_in_cpp_shows_nothing_of_the_header(
    installed: Callable[[str], Installed], need_tool: Callable[[str], str], tmp_path: Path
) -> None:
    """The initialisers are functions there, which would be found by the next shared object that has them."""
    library, made = installed("gcc"), tmp_path / "libmade.so"
    header = f"-I{library.prefix / 'include'}"
    run(*library.cxx, *STRICT, "-std=c++11", header, "-shared", "-fPIC", "-o", made, NATIVE / "tests/header.cpp")
    assert exported(made) == {"_Z9are_sizedv"}
