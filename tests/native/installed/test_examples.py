"""The examples, built against the installed library as others build: by CMake, by pkg-config, into a plugin."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.native.installed.programs import BUILDS, EXAMPLES, LANGUAGES, STRICT, Installed, configure_and_build, run
from tests.native.installed.sharedobject import exported, needed

pytestmark = pytest.mark.native

# Programs of the phone's kind are static ones, and of C: zig would first compile a C++ library for them.
KINDS = [
    (build, linkage, language)
    for build in BUILDS
    for linkage in ("static", "shared")
    for language in LANGUAGES
    if build != "arm64" or (linkage, language) == ("static", "C")
]
# What CMake's package says of linkage and language is of no compiler: all of it with one, with the others each once.
CMAKE_KINDS = [kind for kind in KINDS if kind[0] == "gcc" or kind[1:] in (("static", "C"), ("shared", "CXX"))]
BLURRED = "status 0, corner 1.00, middle 1.00\n"


def check_convolve(text: str) -> None:
    """27 taps of 0.5 in the middle, 12 in the corner."""
    assert re.fullmatch(r"indirectconv 0\.2\.0: \w+\S*, corner 6, middle 13\.5\n", text), text


def test_examples_are_short() -> None:
    assert {path.name for path in EXAMPLES.glob("*.c") if len(path.read_text().splitlines()) >= 60} == set()


@pytest.mark.parametrize(("build", "linkage", "language"), CMAKE_KINDS)
def test_cmake_finds_the_package(
    installed: Callable[[str], Installed], tmp_path: Path, build: str, linkage: str, language: str
) -> None:
    library = installed(build)
    defines = {
        **library.defines,
        "CMAKE_BUILD_TYPE": "Release",
        "EXAMPLE_LANGUAGE": language,
        "BUILD_SHARED_LIBS": "ON" if linkage == "shared" else "OFF",
        "CMAKE_PREFIX_PATH": str(library.prefix),
        f"CMAKE_{language}_FLAGS": " ".join(STRICT),
    }
    configure_and_build(EXAMPLES, tmp_path, **defines)
    assert ("libindirectconv.so.0" in needed(tmp_path / "convolve")) == (linkage == "shared")
    check_convolve(library.execute(tmp_path / "convolve"))
    plugin = tmp_path / "libplugin.so"
    assert exported(plugin) == {"blur"}
    if not library.is_static:
        assert library.execute(tmp_path / "load_plugin", plugin) == BLURRED


@pytest.mark.parametrize(("build", "linkage", "language"), KINDS)
def test_pkg_config_finds_the_package(
    installed: Callable[[str], Installed],
    need_tool: Callable[[str], str],
    tmp_path: Path,
    build: str,
    linkage: str,
    language: str,
) -> None:
    library, program = installed(build), need_tool("pkg-config")
    source, objects, made = EXAMPLES / "convolve.c", tmp_path / "convolve.o", tmp_path / "convolve"
    flags = library.pkg_config(program, "--cflags")
    run(*library.compiler(language), *flags, "-c", "-o", objects, source)
    words = library.pkg_config(program, *(["--static"] if linkage == "static" else []), "--libs")
    if linkage == "static" and not library.is_static:  # the C library stays shared
        words = [word.replace("-lindirectconv", "-l:libindirectconv.a") for word in words]
    run(*library.linker(language), "-o", made, objects, *words)
    assert ("libindirectconv.so.0" in needed(made)) == (linkage == "shared")
    check_convolve(library.execute(made))
    assert library.pkg_config(program, "--modversion") == ["0.2.0"]


@pytest.mark.parametrize("build", ["arm64", "arm64-gcc"])
def test_the_arm64_archive_goes_into_a_shared_object_that_dlopen_loads(
    installed: Callable[[str], Installed], tmp_path: Path, build: str
) -> None:
    """As into a JNI library, and the one that zig made for phones too: by another linker, with other C library."""
    archive, other = installed(build).prefix / "lib/libindirectconv.a", installed("arm64-gcc")
    compiler = [*other.compiler("C"), f"-I{other.prefix / 'include'}"]
    plugin, program = tmp_path / "libplugin.so", tmp_path / "load_plugin"
    options = ["-shared", "-fPIC", "-Wl,-z,defs", "-Wl,-z,text", f"-Wl,--version-script={EXAMPLES}/plugin.map"]
    run(*compiler, *options, "-o", plugin, EXAMPLES / "plugin.c", archive, "-lm", "-pthread")
    run(*compiler, "-o", program, EXAMPLES / "load_plugin.c", "-ldl")
    assert exported(plugin) == {"blur"}
    assert other.execute(program, plugin) == BLURRED
