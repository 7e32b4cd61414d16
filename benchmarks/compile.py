"""A C program of a benchmark, linked with the library as the host build made it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from harness.errors import InfrastructureError
from harness.paths import data_root
from harness.toolchain.builder import Built

_COMPILER = ("-m", "ziglang", "cc", "-target", "x86_64-linux-gnu.2.28", "-mcpu=x86_64", "-O2", "-std=c11")


def compile_with_library(source: Path, built: Built, folder: Path) -> Path:
    """The program, in ``folder``. Raises InfrastructureError."""
    native, out = data_root() / "native", folder / source.stem
    options = ["-D_GNU_SOURCE", "-fno-sanitize=undefined", f"-I{native / 'include'}", f"-I{native / 'src'}"]
    argv = [sys.executable, *_COMPILER, *options, str(source), str(built.library), "-lm", "-lpthread", "-o", str(out)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InfrastructureError(f"{source.name}: {done.stderr.strip()[:400]}", "see native/include")
    return out
