"""A cold zig compiles the C library of a phone's target first; here that is done at more than one file a time."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from pathlib import Path

from harness.toolchain import cmake, ndk
from harness.toolchain.toolchain import Toolchain

_JOBS_A_CPU = 4


def warm(chosen: Toolchain, folder: Path) -> None:
    """Fills zig's cache with the C library of ``chosen``, if that is zig for a phone; ``folder`` is for scratch files.

    zig keeps a C library by target, CPU and optimization: with others than the build's it would make a second one.
    `zig cc` would do it at the first link, but takes no -j, and by default zig keeps one CPU less than there are busy:
    on two CPUs that is one compiler at a time. A failure is left for the build to meet and to report.
    """
    if chosen.describe != "zig" or not chosen.android:
        return
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / "empty.c"
    source.write_text("int main(void) { return 0; }\n")
    zig = ndk.table()["abis"][chosen.abi]["zig"]  # as in its file in ndk/
    argv = [str(cmake.zig_program()), "build-exe", str(source), "-target", zig["target"], f"-mcpu={zig['cpu']}", "-lc"]
    argv += ["-OReleaseFast", "-fstrip", "-static", f"-j{_JOBS_A_CPU * (os.cpu_count() or 1)}"]
    argv.append(f"-femit-bin={folder / 'empty'}")
    null = subprocess.DEVNULL
    with suppress(OSError):
        subprocess.run(argv, stdin=null, stdout=null, stderr=null, cwd=folder, env=cmake.environment(), check=False)
