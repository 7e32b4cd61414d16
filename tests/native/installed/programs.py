"""Programs that use the installed library: compilers, what they are told, and how the result runs."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.toolchain import cmake

ROOT = Path(__file__).resolve().parents[3]
NATIVE = ROOT / "native"
EXAMPLES = NATIVE / "examples"
BUILDS = ("gcc", "clang", "zig", "arm64", "arm64-gcc")
LANGUAGES = ("C", "CXX")
# Optimized: zig has a C library for each kind of build, and would make one more.
STRICT = ("-O2", "-Wall", "-Wextra", "-pedantic", "-Werror")


def run(*command: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str:
    """What a program printed; the test fails with all of it where the program does. From the folder native: in one
    above its own files, as the checkout is, zig would compile a second C library (benchmarks/aarch64/plugins.py)."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd or NATIVE,
        env={**cmake.environment(), **(env or {})},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}"
    return done.stdout


@dataclass(frozen=True)
class Installed:
    """Where the library lies, and the compilers and the emulator (or nothing) of programs with it."""

    prefix: Path
    c: tuple[str, ...]
    cxx: tuple[str, ...]
    defines: dict[str, str]  # for CMake
    runner: tuple[str, ...]
    is_static: bool  # no dynamic linker for its programs here

    def compiler(self, language: str) -> tuple[str, ...]:
        """By CMake's name of the language, C or CXX: the command, in the oldest standard, with all warnings."""
        dialect = ("-x", "c++", "-std=c++11") if language == "CXX" else ("-std=c11",)
        return (*(self.cxx if language == "CXX" else self.c), *dialect, *STRICT)

    def linker(self, language: str) -> tuple[str, ...]:
        """The command that makes programs."""
        return (*(self.cxx if language == "CXX" else self.c), "-O2", *(("-static", "-s") if self.is_static else ()))

    def execute(self, *command: str | Path) -> str:
        """Runs a program of this kind; the dynamic linker finds the shared library."""
        path = f"LD_LIBRARY_PATH={self.prefix / 'lib'}"
        if self.runner:
            return run(*self.runner, "-E", path, *command)
        return run("/usr/bin/env", path, *command)

    def pkg_config(self, program: str, *options: str) -> list[str]:
        """The words that pkg-config answers."""
        path = {"PKG_CONFIG_PATH": str(self.prefix / "lib/pkgconfig")}
        return shlex.split(run(program, *options, "indirectconv", env=path))


def configure(source: Path, folder: Path, **defines: str) -> None:
    """By CMake, for Ninja."""
    program, ninja = cmake.programs()
    options = [f"-D{name}={value}" for name, value in defines.items()]
    run(program, "-S", source, "-B", folder, "-G", "Ninja", f"-DCMAKE_MAKE_PROGRAM={ninja}", *options)


def configure_and_build(source: Path, folder: Path, **defines: str) -> None:
    """Configures and builds."""
    configure(source, folder, **defines)
    run(cmake.programs()[1], "-C", folder)
