"""The C library: every kernel on every path, on this machine, under sanitizers, and for both Arms under emulation."""

from __future__ import annotations

import platform
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks.aarch64.plugins import compile_with_zig

if TYPE_CHECKING:
    from tests.native.conftest import Builds

pytestmark = pytest.mark.native

NATIVE = Path(__file__).resolve().parents[2] / "native"
UNSUPPORTED = 77
X86 = platform.machine() == "x86_64"
ARM_KERNELS = ("neon_6x16", "neon_8x8_a53", "neon_8x8_a55", "scalar_4x4")
ARM32_KERNELS = ("neon_4x8", "vfpv4_4x8", "scalar_4x4")
HOST_KERNELS = ("avx512_6x64", "avx2_6x16", "sse_4x8", "scalar_4x4") if X86 else ARM_KERNELS
NEEDS = {"avx512_6x64": {"avx512f"}, "avx2_6x16": {"avx2", "fma"}}
PROPERTIES = ("bound", "integers", "bits", "guards", "tails", "tiles", "nonfinite", "apart", "winograd")
FFT_PROPERTIES = ("bound", "bits", "nonfinite")
NAIVE_PROPERTIES = ("bound", "integers", "guards", "nonfinite")
OBJECT_CASES = {
    "test_object": ("states", "refusals", "overlap", "not_a_number", "zeros", "methods"),
    "test_description": ("arguments", "defaults", "types", "planes", "output_sizes"),
    "test_options": ("option_errors", "schedules", "kernel_list", "transforms"),
    "test_status": ("last_errors", "names"),
    "test_choice": ("right", "memory", "blocks", "resized", "split", "few_channels", "ahead", "narrow", "grouped"),
    "test_core": ("parts", "cores"),
    "test_pool": ("threads", "pools", "float_modes", "forks", "waits", "rounds", "shares", "errors"),
    "test_order": ("rule", "named"),
    "test_memory": ("overflow", "bytes", "out_of_memory", "read_only"),
    "test_gate": (
        *("cool", "warmer_room", "warms_meanwhile", "share", "hot", "held_down", "hint", "no_sensor", "lies"),
        "allowance",
    ),
    "test_meminfo": ("least_of_all", "limits"),
    "test_counters": ("refusals", "granted", "readings", "partial", "pmus", "here"),
    "test_residency": ("differences", "garbage", "random_bytes"),
    "test_sysfile": ("readings", "random_bytes"),
    "test_settling": ("by_the_clock", "by_the_cap", "without_a_clock"),
    "test_tuned": ("kept", "damaged", "others", "errors"),
    "test_tuned_auto": ("obeyed", "elsewhere", "forgotten"),
    "test_tune": ("refused", "measured"),
}
BUILDS = ("zig", "sanitized", "gcc", "arm64", "arm64-undefined", "arm32")
EMULATED = ("arm64", "arm32")


def lacked() -> dict[str, str]:
    """The kernels that this CPU cannot run, and what it lacks: one line of the summary instead of many skips."""
    line = re.search(r"^flags\s*:(.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    flags = set(line[1].split()) if line else set()
    missing = {kernel: " ".join(sorted(needs - flags)) for kernel, needs in NEEDS.items() if kernel in HOST_KERNELS}
    return {kernel: names for kernel, names in missing.items() if names}


LACKED = lacked()


def kernels_of(build: str) -> tuple[str, ...]:
    if build == "arm32":
        return ARM32_KERNELS
    return ARM_KERNELS if build.startswith("arm64") else HOST_KERNELS


def runnable(build: str) -> tuple[str, ...]:
    return tuple(kernel for kernel in kernels_of(build) if build.startswith("arm") or kernel not in LACKED)


KERNEL_CASES = [(b, k, p) for b in BUILDS for k in runnable(b) for p in PROPERTIES]
# Emulation is slow. The sanitizer there sees the same work in "bound" as with other values or more threads; the
# portable kernel is the same C code as on this machine.
UNDEFINED_PROPERTIES = ("bound", "tails", "tiles", "apart")
SLOW_PROPERTIES = ("integers", "guards", "nonfinite")


def is_repeated(build: str, kernel: str, case: str) -> bool:
    """Whether another case shows the same."""
    if build == "arm64-undefined":
        return case not in UNDEFINED_PROPERTIES
    if kernel == "neon_8x8_a55" and case == "nonfinite":  # the A53's instructions in another order
        return True
    return build in EMULATED and X86 and kernel == "scalar_4x4" and case in SLOW_PROPERTIES


KERNEL_CASES = [case for case in KERNEL_CASES if not is_repeated(*case)]
KERNEL_CASES += [
    (b, "loops", p) for b in BUILDS for p in NAIVE_PROPERTIES if p == "bound" or not is_repeated(b, "scalar_4x4", p)
]


# "bound" goes through all shapes in every build but two, whose sanitizer looks at what a line does, or whose lines are
# those of arm64's tiles; all cases do so in the build that users run. FEW of them, with all the awkward ones, run every
# line of the tiles that all of them run (by coverage), and see the same faults put into a tile.
FEW = "60"
FEWER = {("test_kernels", case) for case in ("integers", "bits", "guards", "nonfinite")}
FEWER |= {("test_choice", "right"), ("test_tuned_auto", "obeyed")}


def shapes_of(build: str, program: str, case: str) -> tuple[str, ...]:
    """The argument that says how many."""
    few = build != "zig" and (program, case) in FEWER
    return (FEW,) if few or (build in ("arm64-undefined", "arm32") and case == "bound") else ()


@pytest.mark.parametrize(("build", "kernel", "case"), KERNEL_CASES)
def test_kernel(
    native_builds: Builds, record_property: Callable[[str, object], None], build: str, kernel: str, case: str
) -> None:
    """Every case of every kernel; the table of kernel x property in the summary is made of the outcomes."""
    if kernel != "loops":
        record_property("kernel", (kernel, case, build))
    result = native_builds(build).run("test_kernels", case, kernel, *shapes_of(build, "test_kernels", case))
    assert result.code == 0, result.text


def repeats_transforms(build: str, kernel: str, case: str) -> bool:
    """Whether another case shows the same: transforms are by instruction set, not by kernel, and the same C code."""
    if build in EMULATED and X86:
        return kernel in ("scalar_4x4", "neon_8x8_a55") or (case != "bound" and kernel not in ("neon_6x16", "neon_4x8"))
    return build == "arm64-undefined" or (build in ("sanitized", "gcc") and case != "bound")


FFT_CASES = [(b, k, p) for b in BUILDS for k in runnable(b) for p in FFT_PROPERTIES if not repeats_transforms(b, k, p)]


@pytest.mark.parametrize(("build", "kernel", "case"), FFT_CASES)
def test_fft(
    native_builds: Builds, record_property: Callable[[str, object], None], build: str, kernel: str, case: str
) -> None:
    record_property("kernel", (kernel, f"fft {case}", build))
    result = native_builds(build).run("test_fft", case, kernel)
    assert result.code == 0, result.text


OBJECT_BUILDS = [b for b in BUILDS if b != "arm64-undefined"]  # "sanitized" has the same C code
# The emulator keeps the limits that a program sets itself from the system.
HOST_CASES = ("limits",) if X86 else ()


@pytest.mark.parametrize(
    ("build", "program", "case"),
    [
        (build, program, case)
        for build in OBJECT_BUILDS
        for program, cases in OBJECT_CASES.items()
        for case in cases
        if build not in EMULATED or case not in HOST_CASES
    ],
)
def test_object(native_builds: Builds, build: str, program: str, case: str) -> None:
    shapes = shapes_of(build, program, case)
    result = native_builds(build).run(program, case, *(("-", *shapes) if shapes else ()))
    assert result.code == 0, result.text


RACED = HOST_KERNELS[1] if HOST_KERNELS[1] in runnable("threads") else HOST_KERNELS[-1]


@pytest.mark.parametrize(
    ("program", "case", "kernel"),
    [
        ("test_pool", "threads", ()),
        ("test_pool", "pools", ()),
        ("test_pool", "float_modes", ()),
        ("test_pool", "waits", ()),
        ("test_pool", "rounds", ()),
        ("test_pool", "shares", ()),
        ("test_kernels", "bits", (RACED,)),
        ("test_fft", "bits", (RACED,)),
    ],
)
def test_threads_do_not_race(native_builds: Builds, program: str, case: str, kernel: tuple[str, ...]) -> None:
    """Under the thread sanitizer: what a pool's threads share, on every path."""
    result = native_builds("threads").run(program, case, *kernel)
    assert result.code == 0, result.text


@pytest.mark.parametrize("build", BUILDS)
def test_cases_are_all_run(native_builds: Builds, record_property: Callable[[str, object], None], build: str) -> None:
    """The lists above hold every case and kernel that the programs have, and are right about what this CPU lacks."""
    made = native_builds(build)
    assert sorted(made.run("test_kernels", "--list").text.split()) == sorted(PROPERTIES)
    if build in OBJECT_BUILDS:
        assert sorted(made.run("test_fft", "--list").text.split()) == sorted(FFT_PROPERTIES)
    for program, cases in OBJECT_CASES.items() if build in OBJECT_BUILDS else ():
        assert sorted(made.run(program, "--list").text.split()) == sorted(cases)
    listed = dict(line.split()[:2] for line in made.run("test_kernels", "--kernels").text.splitlines())
    assert tuple(listed) == kernels_of(build)
    assert tuple(kernel for kernel, supported in listed.items() if supported == "1") == runnable(build)
    for kernel in set(kernels_of(build)) - set(runnable(build)):
        assert made.run("test_kernels", "bound", kernel).code == UNSUPPORTED
        record_property("not run here", f"{kernel} (this CPU lacks {LACKED[kernel]})")


@pytest.mark.parametrize(
    ("build", "marks"), [("sanitized", [b"__asan_load", b"__ubsan_handle"]), ("arm64-undefined", [b"__ubsan_handle"])]
)
def test_sanitizers_are_compiled_in(native_builds: Builds, build: str, marks: list[bytes]) -> None:
    """In the library's own objects, the micro-kernels among them."""
    for name in (
        "tiles/pack.c",
        "kernels/f32/scalar_4x4.c",
        "kernels/f32/neon_6x16.c" if build.startswith("arm64") else "kernels/f32/avx2_6x16.c",
    ):
        content = native_builds(build).object_file(name).read_bytes()
        assert all(mark in content for mark in marks), name


def test_header_serves_cpp(tmp_path: Path) -> None:
    """Its initialisers give no warning there either."""
    flags = ["-x", "c++", "-std=c++11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-c"]
    source = NATIVE / "tests/header.cpp"
    compile_with_zig([*flags, f"-I{NATIVE / 'include'}", "-o", str(tmp_path / "header.o"), str(source)])


def test_undefined_behaviour_ends_a_program(tmp_path: Path, need_tool: Callable[[str], str]) -> None:
    """The handlers that the arm64 build has in place of a sanitizer's library."""
    source, objects, program = tmp_path / "overflow.c", tmp_path / "overflow.o", tmp_path / "overflow"
    source.write_text("int main(int n, char **all) { return all[0] ? 2147483647 + n : 0; }\n")
    arm64 = ["-target", "aarch64-linux-musl", "-mcpu=generic", "-O3"]
    sanitized = ["-fsanitize=undefined", "-fno-sanitize-recover=all"]
    compile_with_zig([*arm64, *sanitized, "-c", "-o", str(objects), str(source)])
    compile_with_zig([*arm64, "-static", "-s", "-o", str(program), str(objects), str(NATIVE / "tests/undefined.c")])
    runner = [] if platform.machine() == "aarch64" else [need_tool("qemu-aarch64-static")]
    done = subprocess.run([*runner, str(program)], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "undefined behaviour: add_overflow" in done.stderr


@pytest.mark.parametrize("case", ["bound", "integers", "guards", "tails", "tiles", "apart"])
@pytest.mark.parametrize("kernel", runnable("broken"))
def test_broken_kernel_is_noticed(native_builds: Builds, kernel: str, case: str) -> None:
    """Checks that cannot fail prove nothing: the same ones against kernels with one wrong output per tile."""
    result = native_builds("broken").run("test_kernels", case, kernel)
    assert result.code == 1
    assert "wanted" in result.text


@pytest.mark.parametrize("kernel", runnable("broken"))
def test_broken_transform_is_noticed(native_builds: Builds, kernel: str) -> None:
    result = native_builds("broken").run("test_fft", "bound", kernel)
    assert result.code == 1
    assert "wanted" in result.text


def disassemble(objdump: str, path: Path) -> str:
    command = [objdump, "-d", "--no-show-raw-insn", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.mark.skipif(not X86, reason="x86 instructions")
def test_only_the_wide_kernels_hold_wide_instructions(native_builds: Builds, need_tool: Callable[[str], str]) -> None:
    """Everything else must run on the oldest x86-64: no VEX or EVEX encoding, so neither ymm, zmm nor FMA."""
    objdump = need_tool("llvm-objdump")
    build = native_builds("zig")
    objects = [path for path in build.folder.glob("CMakeFiles/indirectconv.dir/src/**/*.o") if "avx" not in path.name]
    assert build.object_file("kernels/f32/scalar_4x4.c") in objects
    vector = re.compile(r"^\s+[0-9a-f]+:\s+(v[a-z0-9]+)\b|%?[yz]mm\d", re.MULTILINE)
    verify = re.compile(r"^\s+[0-9a-f]+:\s+ver[rw]\b")
    for path in objects:
        text = disassemble(objdump, path)
        assert "mulss" in text or "mulps" in text or path.name != "scalar_4x4.c.o"
        found = [match.group(0).strip() for match in vector.finditer(text) if not verify.match(match.group(0))]
        assert not found, f"{path.name}: {found[:3]}"
    assert "zmm" in disassemble(objdump, build.object_file("kernels/f32/avx512_6x64.c"))


@pytest.mark.skipif(not X86, reason="emulates x86-64")
@pytest.mark.parametrize("cpu", ["qemu64", "Nehalem"])
def test_host_programs_run_on_the_baseline_cpu(
    native_builds: Builds, need_tool: Callable[[str], str], cpu: str
) -> None:
    qemu = need_tool("qemu-x86_64-static")
    build = native_builds("zig").under(qemu, "-cpu", cpu)
    supported = {line.split()[0]: line.split()[1] for line in build.run("test_kernels", "--kernels").text.splitlines()}
    assert supported == {"avx512_6x64": "0", "avx2_6x16": "0", "sse_4x8": "1", "scalar_4x4": "1"}
    commands: list[tuple[str, ...]] = [("test_options", "option_errors"), ("test_object", "states")]
    if cpu == "qemu64":  # what runs on the oldest runs on the newer one, which shows that nothing else is chosen there
        commands += [("test_kernels", "bound", "sse_4x8", FEW), ("test_choice", "right", "-", FEW)]
    for command in commands:
        result = build.run(*command)
        assert result.code == 0, result.text
