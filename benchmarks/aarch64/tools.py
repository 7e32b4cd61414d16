"""Programs of this machine that the figures need, with the package that brings each."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from harness.errors import InfrastructureError

_LLVM = re.compile(r"LLVM version (\d+)")


def _version(program: str) -> int:
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    match = _LLVM.search(done.stdout)
    return int(match[1]) if match else 0


def llvm(name: str) -> tuple[str, int]:
    """Path and LLVM version of ``llvm-mca`` or ``llvm-objdump``: the newest one on PATH.

    The environment variable LLVM_MCA or LLVM_OBJDUMP names another. Raises InfrastructureError where there is none.
    """
    named = os.environ.get(name.upper().replace("-", "_"))
    candidates = [named] if named else []
    if not named:
        for folder in os.environ.get("PATH", "").split(os.pathsep):
            candidates += [str(path) for path in Path(folder or ".").glob(f"{name}*") if _is_tool(path, name)]
    found = max(((_version(path), path) for path in dict.fromkeys(candidates)), default=(0, ""))
    if found[0] == 0:
        raise InfrastructureError(f"{name} is missing", "apt-get install llvm-22 (or the newest llvm-N there is)")
    return found[1], found[0]


def _is_tool(path: Path, name: str) -> bool:
    return re.fullmatch(re.escape(name) + r"(-\d+)?", path.name) is not None and os.access(path, os.X_OK)


def plugin_qemu() -> tuple[str, str]:
    """Path and version of a qemu for arm64 programs that takes plugins of the interface we speak (qemu 5 to 8).

    Raises InfrastructureError where it is missing or another one.
    """
    path = shutil.which("qemu-aarch64")
    if path is None:
        raise InfrastructureError(
            "qemu-aarch64 is missing (qemu-user-static takes no plugins)", "apt-get install qemu-user"
        )
    done = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    match = re.search(r"version ((\d+)\.\d+\.\d+)", done.stdout)
    if match is None or not 4 < int(match[2]) < 9:
        version = match[1] if match else "unknown"
        raise InfrastructureError(
            f"{path} is version {version}; the plugin is for 5.x to 8.x", "use the qemu-user package of Debian 12"
        )
    return path, match[1]
