"""Plugins of the emulator, which count while an arm64 program runs."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from harness.errors import InfrastructureError
from harness.toolchain.cmake import environment, zig_program

HERE = Path(__file__).parent
# Of a program with the C library that zig made for the tool's own: of others it would make one more.
ARM64_PROGRAM = ("-target", "aarch64-linux-musl", "-mcpu=generic", "-static", "-s")
_WARNINGS = ["-std=c11", "-O2", "-g0", "-Wall", "-Wextra", "-Werror", "-fno-sanitize=undefined"]


def compile_with_zig(arguments: Sequence[str]) -> None:
    """Runs ``zig cc``; paths are absolute. Raises InfrastructureError with the compiler's words where it fails.

    zig names its own files relative to the folder it runs in where that lies above them, and keeps a C library for
    each name: from the checkout it would compile a second one, for a minute.
    """
    command = [str(zig_program()), "cc", *_WARNINGS, *arguments]
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise InfrastructureError(f"zig cc failed: {done.stderr.strip()[-2000:]}", "see the compiler's message")


class Plugin:
    """A plugin built from ``name``.c into ``folder``, with its arguments (``name=value``)."""

    def __init__(self, folder: Path, name: str, arguments: Sequence[str] = ()) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder.resolve() / f"lib{name}.so"
        self._out = folder / f"{name}.txt"
        self._arguments = tuple(arguments)
        compile_with_zig(["-shared", "-fPIC", "-o", str(self._file), str(HERE / f"{name}.c")])

    def execute(self, emulator: Sequence[str], program: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Runs an arm64 program, the emulator being given with its options."""
        self._out.unlink(missing_ok=True)
        plugin = ",".join((str(self._file), *self._arguments, f"out={self._out}"))
        return subprocess.run([*emulator, "-plugin", plugin, *program], capture_output=True, text=True, check=False)

    def counts(self) -> dict[str, list[int]]:
        """What the last program counted between its marks: by name one number, or one for each simulated core.

        Raises InfrastructureError where nothing was counted.
        """
        try:
            lines = self._out.read_text().splitlines()
        except FileNotFoundError:
            raise InfrastructureError(
                "nothing was counted: the emulator ran without the plugin, or the program without its marks",
                "the emulator's version may not match: see --help",
            ) from None
        return {name: [int(number) for number in numbers] for name, *numbers in (line.split() for line in lines)}
