"""Drives CMake and Ninja of this Python environment; PATH is not searched for either."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import BinaryIO

from harness.errors import InfrastructureError
from harness.paths import build_root

_SHOWN_LINES = 25
# Set by users for other projects, these would change what is built behind the cache's back.
_DROPPED = ("CC", "CXX", "CFLAGS", "CPPFLAGS", "ASMFLAGS", "LDFLAGS", "DESTDIR", "VERBOSE")


def programs() -> tuple[Path, Path]:
    """Paths of cmake and ninja. Raises InfrastructureError where their wheels are missing."""
    try:
        cmake, ninja = import_module("cmake"), import_module("ninja")
    except (ImportError, AssertionError):
        raise InfrastructureError(
            "cmake and ninja are missing in this Python environment", "run `make` again, or pip install cmake ninja"
        ) from None
    return Path(cmake.CMAKE_BIN_DIR) / "cmake", Path(ninja.BIN_DIR) / "ninja"


def zig_program() -> Path:
    """Path of the zig program of the ziglang wheel. Raises InfrastructureError where it is missing."""
    try:
        ziglang = import_module("ziglang")
    except ImportError:
        raise InfrastructureError(
            "zig is missing in this Python environment", "run `make` again, or pip install ziglang"
        ) from None
    return Path(str(ziglang.__file__)).parent / "zig"


def environment() -> dict[str, str]:
    """The environment of a build: the user's without flags for other projects; zig's caches lie in the build folder."""
    kept = {k: v for k, v in os.environ.items() if k not in _DROPPED and not k.startswith("CMAKE_")}
    cache = str(build_root() / "zig-cache")
    return {**kept, "ZIG_GLOBAL_CACHE_DIR": cache, "ZIG_LOCAL_CACHE_DIR": cache}


def build(
    source: Path, folder: Path, defines: Mapping[str, str], log: Path, targets: Sequence[str] = ("convbench",)
) -> None:
    """Configures ``source`` into ``folder`` with -D ``defines`` and builds ``targets``; warnings are errors.

    Everything cmake and ninja print goes to ``log``; where one fails, InfrastructureError carries its last lines.
    """
    cmake, ninja = programs()
    configure = [str(cmake), "-S", str(source), "-B", str(folder), "-G", "Ninja", f"-DCMAKE_MAKE_PROGRAM={ninja}"]
    configure += ["-DIC_WERROR=ON", "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON"]
    configure += [f"-D{key}={value}" for key, value in defines.items()]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        for what, argv in (("configure", configure), ("compile", [str(ninja), "-C", str(folder), *targets])):
            output.write(f"$ {' '.join(argv)}\n".encode())
            output.flush()
            code = _run(argv, output)
            if code:
                raise InfrastructureError(
                    f"native build: {what} failed (exit code {code})\n{_tail(log)}", f"the whole output is in {log}"
                )


def _run(argv: Sequence[str], output: BinaryIO) -> int:
    """Runs a program in a session of its own: a Ctrl-C is ours to answer, by ending it with all that it started."""
    try:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment(), start_new_session=True
        )
    except OSError as error:
        raise InfrastructureError(f"{argv[0]} cannot be run: {error.strerror or error}") from None
    try:
        return process.wait()
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise


def _tail(log: Path) -> str:
    lines = log.read_text("utf-8", "replace").splitlines()
    return "\n".join(f"  | {line}" for line in lines[-_SHOWN_LINES:])
