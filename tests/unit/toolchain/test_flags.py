"""The flags of a build, read back from what compilers print of themselves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.toolchain import flags

pytestmark = pytest.mark.unit

CLANG = """clang version 19.1.7
 (in-process)
 "/usr/bin/clang" "-cc1" "-triple" "aarch64-unknown-linux-android24" "-mrelocation-model" "pic" "-pic-level" "2" \
"-target-cpu" "generic" "-target-feature" "-fp16fml" "-tune-cpu" "neoverse-v2" \
"-fdebug-compilation-dir=/b" "-isystem" "/n/include" "-D" "NDEBUG" "-D" "_FORTIFY_SOURCE=2" \
"-O3" "-std=c11" "-O2" "-ffp-contract=off" "-stack-protector" "2" \
"-o" "a.o" "-x" "c" "a.c"
"""
GCC = (
    " /usr/lib/gcc/x86_64-linux-gnu/12/cc1 -quiet a.c -quiet '-march=x86-64' -O2 -ffp-contract=off -fPIE -o /tmp/a.s\n"
)


def test_what_clang_tells() -> None:
    assert flags.seen(CLANG) == [
        "-mrelocation-model pic",
        "-pic-level 2",
        "-target-cpu generic",
        "-tune-cpu neoverse-v2",
        "-D NDEBUG",
        "-D _FORTIFY_SOURCE=2",
        "-std=c11",
        "-O2",
        "-ffp-contract=off",
        "-stack-protector 2",
    ]


def test_what_gcc_tells() -> None:
    assert flags.seen(GCC) == ["-march=x86-64", "-O2", "-ffp-contract=off", "-fPIE"]


@pytest.mark.parametrize("text", ["", "error: unknown argument\n", ' "cc1" "unclosed'])
def test_a_compiler_that_tells_nothing(text: str) -> None:
    assert flags.seen(text) == []


def test_files_differ_in_what_is_told_of_them_alone(tmp_path: Path) -> None:
    """A compiler that prints its own command line: asked once for the files that are compiled alike."""
    asked = tmp_path / "asked"
    compiler = tmp_path / "cc"
    compiler.write_text(f'#!/bin/sh\necho x >>{asked}\necho "cc1 $*" >&2\n')
    compiler.chmod(0o755)
    commands = [
        {
            "directory": str(tmp_path),
            "file": f"/s/{name}.c",
            "command": f"{compiler} -O2 {more} -c /s/{name}.c -o indirectconv.dir/{name}.o",
        }
        for name, more in (("a", ""), ("b", ""), ("kernel", "-mtune=x"))
    ]
    commands.append({"directory": "/", "file": "/s/main.c", "command": "cc -c /s/main.c -o convbench.dir/main.o"})
    (tmp_path / flags.COMMANDS).write_text(json.dumps(commands))
    assert flags.read_back(tmp_path) == {"every_file": ["-O2"], "further": {"kernel.c": ["-mtune=x"]}}
    assert asked.read_text().count("x") == 2
    assert flags.read_back(tmp_path / "nowhere") == {"every_file": [], "further": {}}
