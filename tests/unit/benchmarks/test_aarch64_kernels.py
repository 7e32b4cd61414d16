"""Instructions by multiplication: loops of x86-64 listings, the table of kernels."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from benchmarks.aarch64.arm32_instructions import ARM32, is_sum
from benchmarks.aarch64.instructions import ARM64
from benchmarks.aarch64.kernels import entry, kernel_loops, kernels_text
from benchmarks.aarch64.loops import disassemble, innermost
from benchmarks.aarch64.x86_instructions import X86, classify, is_spill, multiplications
from harness.errors import InfrastructureError

pytestmark = pytest.mark.unit

# Two turns of an outer loop around one that is unrolled by two and one for the rest.
TILE = """
0000000000000010 <tile_6x{vectors}>:
      10: 55                           \tpushq\t%rbp
      11: c4 42 7d 18 34 24            \tvbroadcastss\t(%r12,%r8,4), %{register}14
      17: c4 c2 05 b8 f8               \tvfmadd231ps\t%{register}8, %{register}15, %{register}7
      1c: c4 c2 05 b8 38               \tvfmadd231ps\t0x20(%rax), %{register}15, %{register}6
      21: 48 81 c0 00 01 00 00         \taddq\t$0x100, %rax # imm = 0x100
      28: 75 e7                        \tjne\t0x11 <tile_6x{vectors}+0x1>
      2a: c4 c2 05 b8 f8               \tvfmadd231ps\t%{register}8, %{register}15, %{register}7
      2f: 48 ff c1                     \tincq\t%rcx
      32: 75 f6                        \tjne\t0x2a <tile_6x{vectors}+0x1a>
      34: 75 da                        \tjne\t0x10 <tile_6x{vectors}>
      36: c3                           \tretq
"""


def objdump_of(folder: Path, listing: str) -> str:
    program = folder / "objdump"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{listing}END\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return str(program)


def member(name: str, text: str) -> str:
    return f"\nlibx.a({name}.c.o):\tfile format elf64-x86-64\n{text}"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("vfmadd231ps %ymm1, %ymm2, %ymm3", "fma"),
        ("vfnmadd213ps (%rax){1to16}, %zmm2, %zmm3", "fma"),
        ("vbroadcastss 0x4(%r12,%r8,4), %ymm14", "load"),
        ("vmovups (%rax), %zmm30", "load"),
        ("vmovups %zmm30, (%rax)", "store"),
        ("movq %rbx, %r8", "integer"),
        ("vmovaps %ymm1, %ymm2", "vector"),
        ("vmaxps %ymm1, %ymm2, %ymm2", "vector"),
        ("prefetcht0 (%rax)", "prefetch"),
        ("leaq 0x4(%r8), %rbx", "integer"),
        ("jbe 0x3e00 <f>", "branch"),
        ("callq 0x10 <f>", "branch"),
    ],
)
def test_classes_of_instructions(text: str, wanted: str) -> None:
    assert classify(text) == wanted


def test_instructions_of_32_bit_arm() -> None:
    classes = {
        "vmla.f32 q6, q7, d10[0]": "fma",
        "vfma.f32 q6, q7, q5": "fma",
        "vld1.32 {d28, d29}, [r10]!": "load",
        "vst1.64 {d0, d1}, [lr:128]": "store",
        "pld [r8, r0, lsl #2]": "prefetch",
        "vdup.32 q6, d26[0]": "vector",
        "subs r5, r5, #2": "integer",
        "bne 0x24e0 <$a+0xb0>": "branch",
        "bl 0x10 <f>": "branch",
        "bic r0, r0, #3": "integer",
    }
    assert {text: ARM32.classify(text) for text in classes} == classes
    assert not ARM32.is_branch("bl 0x10 <f>") and ARM32.is_branch("bne.w 0x10 <f>")
    assert (ARM32.multiplications("vmla.f32 q6, q7, d10[0]"), ARM32.multiplications("vmla.f32 s0, s1, s2")) == (4, 1)
    for spill in ("ldr r0, [sp, #44]", "add lr, sp, #96", "vst1.64 {d0, d1}, [sp:128]", "strd r0, r1, [sp, #8]"):
        assert ARM32.is_spill(spill)
    assert not ARM32.is_spill("ldr r0, [r8, #4]")
    assert is_sum("add lr, sp, #96") and not is_sum("ldr r0, [sp, #44]")


def test_marks_of_arm_code_are_no_functions(tmp_path: Path) -> None:
    listing = "x.o:\tfile format elf32-littlearm\n00000000 <f>:\n  0: f2 08 01 10 \tvmla.f32\tq0, q1, d0[0]\n"
    listing += "00000004 <$a>:\n  4: 1a ff ff fd \tbne\t0x0 <f>   @ imm = #-12\n"
    functions = disassemble(objdump_of(tmp_path, listing), tmp_path / "x.o", ARM32)
    assert [len(loop.body) for name, body in functions.items() for loop in innermost(name, body, ARM32)] == [2]


def test_products_and_spills_of_instructions() -> None:
    assert multiplications("vfmadd231ps %ymm1, %ymm2, %ymm3") == 8
    assert multiplications("vfmadd231ps (%rax){1to16}, %zmm2, %zmm3") == 16
    assert multiplications("vfmadd231ss %xmm1, %xmm2, %xmm3") == 1
    assert is_spill("movq 0x18(%rsp), %rax")
    assert is_spill("movq -0x18(%rbp), %rax")
    assert not is_spill("vbroadcastss (%rbp,%r8,4), %ymm1")
    assert not is_spill("vbroadcastss 0x8(%rbp), %ymm1")


def test_each_kernel_has_the_loop_of_its_largest_tile_with_most_multiplications(tmp_path: Path) -> None:
    listing = member("avx2_6x16", TILE.format(vectors=1, register="xmm") + TILE.format(vectors=2, register="ymm"))
    listing += member("avx512_6x64", TILE.format(vectors=4, register="zmm"))
    loops = kernel_loops(objdump_of(tmp_path, listing), tmp_path / "libx.a", X86)
    assert [(loop.kernel, loop.loop.mix["fma"], len(loop.loop.body), loop.loop.macs) for loop in loops] == [
        ("avx512_6x64", 2, 5, 32),
        ("avx2_6x16", 2, 5, 16),
    ]
    assert loops[1].loop.code.startswith(bytes.fromhex("c442 7d18 3424"))
    text = "\n".join(kernels_text([entry(loop) for loop in loops]))
    assert "| avx512_6x64 | 6x64 | 2.50 | 5 | 2 | 1 | 0 | 16 | - | - |" in text
    assert "| avx2_6x16 | 6x16 | 2.50 | 5 | 2 | 1 | 0 | 8 | assembly 6x16, four steps a turn | 1.73 |" in text


def test_a_kernel_without_a_loop_is_named(tmp_path: Path) -> None:
    listing = member("neon_6x16", TILE.format(vectors=4, register="zmm"))
    with pytest.raises(InfrastructureError, match="neon_6x16 has no inner loop in neon_6x16:tile_6x4"):
        kernel_loops(objdump_of(tmp_path, listing), tmp_path / "libx.a", ARM64)
