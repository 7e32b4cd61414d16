"""The C library: every kernel on every path, on this machine, under sanitizers, and for arm64 under emulation."""

from __future__ import annotations

import platform
import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.native.conftest import Builds, NativeBuild

pytestmark = pytest.mark.native

UNSUPPORTED = 77
X86 = platform.machine() == "x86_64"
ARM_KERNELS = ("neon_6x16", "neon_8x8_a53", "neon_8x8_a55", "scalar_4x4")
HOST_KERNELS = ("avx512_6x64", "avx2_6x16", "scalar_4x4") if X86 else ARM_KERNELS
PROPERTIES = ("bound", "integers", "bits", "guards", "tails", "tiles", "nonfinite", "apart")
NAIVE_PROPERTIES = ("bound", "integers", "guards", "nonfinite")
OBJECT_CASES = {
    "test_object": ("arguments", "option_errors", "refusals", "states", "not_a_number", "names"),
    "test_choice": (
        "right",
        "memory",
        "blocks",
        "threads",
        "cores",
        "pools",
        "schedules",
        "resized",
        "split",
        "ahead",
        "narrow",
    ),
    "test_order": ("rule", "named"),
    "test_memory": ("overflow", "bytes", "out_of_memory", "read_only"),
    "test_tune": ("kept", "damaged", "others", "errors", "parts", "obeyed", "elsewhere", "measured"),
}
BUILDS = ("zig", "sanitized", "gcc", "arm64", "arm64-undefined")


SANITIZED = ("sanitized", "arm64-undefined")


def kernels_of(build: str) -> tuple[str, ...]:
    return ARM_KERNELS if build.startswith("arm64") else HOST_KERNELS


KERNEL_CASES = [(b, k, p) for b in BUILDS for k in kernels_of(b) for p in PROPERTIES]
KERNEL_CASES += [(b, "loops", p) for b in BUILDS for p in NAIVE_PROPERTIES]


@pytest.mark.parametrize(("build", "kernel", "case"), KERNEL_CASES)
def test_kernel(native_builds: Builds, build: str, kernel: str, case: str) -> None:
    result = native_builds(build).run("test_kernels", case, kernel)
    if result.code == UNSUPPORTED:
        pytest.skip(f"{kernel}: {result.text}")
    assert result.code == 0, result.text


@pytest.mark.parametrize(("program", "case"), [(p, case) for p, cases in OBJECT_CASES.items() for case in cases])
@pytest.mark.parametrize("build", BUILDS)
def test_object(native_builds: Builds, build: str, program: str, case: str) -> None:
    result = native_builds(build).run(program, case)
    assert result.code == 0, result.text


@pytest.mark.parametrize(
    ("program", "case", "kernel"),
    [("test_choice", "threads", ()), ("test_choice", "pools", ()), ("test_kernels", "bits", (HOST_KERNELS[1],))],
)
def test_threads_do_not_race(native_builds: Builds, program: str, case: str, kernel: tuple[str, ...]) -> None:
    """Under the thread sanitizer: what a pool's threads share, on every path."""
    result = native_builds("threads").run(program, case, *kernel)
    assert result.code == 0, result.text


@pytest.mark.parametrize("build", BUILDS)
def test_cases_are_all_run(native_builds: Builds, build: str) -> None:
    """The lists above hold every case and kernel that the programs have."""
    made = native_builds(build)
    assert sorted(made.run("test_kernels", "--list").text.split()) == sorted(PROPERTIES)
    for program, cases in OBJECT_CASES.items():
        assert sorted(made.run(program, "--list").text.split()) == sorted(cases)
    listed = [line.split()[0] for line in made.run("test_kernels", "--kernels").text.splitlines()]
    assert tuple(listed) == kernels_of(build)


@pytest.mark.parametrize(
    ("build", "marks"), [("sanitized", [b"__asan_report", b"__ubsan_handle"]), ("arm64-undefined", [b"__ubsan_handle"])]
)
def test_sanitizers_are_compiled_in(native_builds: Builds, build: str, marks: list[bytes]) -> None:
    """In the library's own objects, the micro-kernels among them."""
    for name in (
        "pack.c",
        "kernels/scalar_4x4.c",
        "kernels/neon_6x16.c" if build.startswith("arm64") else "kernels/avx2_6x16.c",
    ):
        content = native_builds(build).object_file(name).read_bytes()
        assert all(mark in content for mark in marks), name


@pytest.mark.parametrize("case", ["bound", "integers", "guards", "tails", "tiles", "apart"])
@pytest.mark.parametrize("kernel", HOST_KERNELS)
def test_broken_kernel_is_noticed(native_builds: Builds, kernel: str, case: str) -> None:
    """Checks that cannot fail prove nothing: the same ones against kernels with one wrong output per tile."""
    result = native_builds("broken").run("test_kernels", case, kernel)
    if result.code == UNSUPPORTED:
        pytest.skip(f"{kernel}: {result.text}")
    assert result.code == 1
    assert "wanted" in result.text


def disassemble(objdump: str, path: Path) -> str:
    command = [objdump, "-d", "--no-show-raw-insn", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.mark.skipif(not X86, reason="x86 instructions")
def test_only_the_wide_kernels_hold_wide_instructions(native_builds: Builds, need_tool: Callable[..., str]) -> None:
    """Everything else must run on the oldest x86-64: no VEX or EVEX encoding, so neither ymm, zmm nor FMA."""
    objdump = need_tool("llvm-objdump", "objdump", apt="llvm")
    build = native_builds("zig")
    objects = [path for path in build.folder.glob("CMakeFiles/indirectconv.dir/src/**/*.o") if "avx" not in path.name]
    assert build.object_file("kernels/scalar_4x4.c") in objects
    vector = re.compile(r"^\s+[0-9a-f]+:\s+(v[a-z0-9]+)\b|%?[yz]mm\d", re.MULTILINE)
    verify = re.compile(r"^\s+[0-9a-f]+:\s+ver[rw]\b")
    for path in objects:
        text = disassemble(objdump, path)
        assert "mulss" in text or "mulps" in text or path.name != "scalar_4x4.c.o"
        found = [match.group(0).strip() for match in vector.finditer(text) if not verify.match(match.group(0))]
        assert not found, f"{path.name}: {found[:3]}"
    assert "zmm" in disassemble(objdump, build.object_file("kernels/avx512_6x64.c"))


@pytest.mark.skipif(not X86, reason="emulates x86-64")
@pytest.mark.parametrize("cpu", ["qemu64", "Nehalem"])
def test_host_programs_run_on_the_baseline_cpu(native_builds: Builds, need_tool: Callable[..., str], cpu: str) -> None:
    qemu = need_tool("qemu-x86_64-static", apt="qemu-user-static")
    build = native_builds("zig").under(qemu, "-cpu", cpu)
    supported = {line.split()[0]: line.split()[1] for line in build.run("test_kernels", "--kernels").text.splitlines()}
    assert supported == {"avx512_6x64": "0", "avx2_6x16": "0", "scalar_4x4": "1"}
    for command in (
        ("test_kernels", "bound", "scalar_4x4"),
        ("test_object", "option_errors"),
        ("test_object", "states"),
        ("test_choice", "right"),
    ):
        result = build.run(*command)
        assert result.code == 0, result.text


def test_neon_tile_does_not_spill(native_builds: Builds, need_tool: Callable[..., str]) -> None:
    """Vector registers saved on entry (d8-d15) are no spill; a whole q register on the stack is."""
    objdump = need_tool("llvm-objdump", "aarch64-linux-gnu-objdump", apt="llvm")
    text = disassemble(objdump, native_builds("arm64").object_file("kernels/neon_6x16.c"))
    body = re.search(r"<tile_6x4>:\n(.*?)(?=\n\n|\Z)", text, re.DOTALL)
    assert body is not None
    assert body.group(1).count("fmla") == 4 * 24 + 24
    assert not re.findall(r"\b(?:ldr|str|ldp|stp|ldur|stur)\s+q\d+.*\[sp", body.group(1))


def cell(builds: Mapping[str, NativeBuild], kernel: str, case: str) -> str:
    """ "yes" where a case holds in every build, "NO" where it fails in one, "-" where nothing could run it."""
    codes = {build.run("test_kernels", case, kernel).code for build in builds.values()}
    if codes - {0, UNSUPPORTED}:
        return "NO"
    return "yes" if 0 in codes else "-"


def table_row(made: Mapping[str, NativeBuild], kernel: str) -> list[str]:
    """Kernel, one cell per property, sanitizers, where it ran (else the feature that this CPU lacks)."""
    builds = {name: build for name, build in made.items() if kernel in kernels_of(name)}
    sanitized = {name: build for name, build in builds.items() if name in SANITIZED}
    probes = {name: build.run("test_kernels", "bound", kernel) for name, build in builds.items()}
    where = [name for name, probe in probes.items() if probe.code == 0]
    missing = next(iter(probes.values())).text
    properties = [cell(builds, kernel, case) for case in PROPERTIES]
    return [kernel, *properties, cell(sanitized, kernel, "guards"), ", ".join(where) or f"nowhere: {missing}"]


def test_every_kernel_ran(native_builds: Builds, record_property: Callable[[str, object], None]) -> None:
    """The table kernel x property. A kernel that ran nowhere fails, save where this CPU lacks what it needs."""
    made = {build: native_builds(build) for build in BUILDS}
    rows = [table_row(made, kernel) for kernel in dict.fromkeys([*HOST_KERNELS, *ARM_KERNELS])]
    head = ["kernel", *PROPERTIES, "sanitizers", "ran in"]
    widths = (14, *[9] * len(PROPERTIES), 11, 0)
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) for row in [head, *rows]]
    record_property("kernels", "\n".join(lines))
    for row in rows:
        assert "NO" not in row
        assert "-" not in row or "this CPU lacks" in row[-1], f"never run: {row}"
