"""Figures for arm64 kernels: models that issue in order, loops of a listing, changes between results."""

from __future__ import annotations

import copy
import stat
from pathlib import Path
from typing import Any

import pytest

from benchmarks.aarch64.inorder import cycles
from benchmarks.aarch64.instructions import classify, is_spill, multiplications
from benchmarks.aarch64.loops import main_loops
from benchmarks.aarch64.panel import PANEL, PanelLayer
from benchmarks.aarch64.tables import changes, markdown

pytestmark = pytest.mark.unit

FMA = [f"fmla v{i}.4s, v30.4s, v31.s[0]" for i in range(24)]
LISTING = """
libx.a(neon.c.o):\tfile format elf64-littleaarch64

Disassembly of section .text:

0000000000000000 <tile_6x1>:
       0: 4e21cc00     \tfmla\tv0.4s, v0.4s, v1.4s
       4: 3dc00021     \tldr\tq1, [x1]
       8: f94003e2     \tldr\tx2, [sp]
       c: f1000400     \tsubs\tx0, x0, #0x1
      10: 54ffff81     \tb.ne\t0x0 <tile_6x1>
      14: 54ffff61     \tb.ne\t0x0 <tile_6x1>
      18: d65f03c0     \tret

0000000000000020 <no_loop>:
      20: 4e21cc00     \tfmla\tv0.4s, v0.4s, v1.4s
      24: d65f03c0     \tret
"""


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("fmla v0.4s, v1.4s, v2.s[3]", "fma"),
        ("fmadd s0, s1, s2, s3", "fma"),
        ("ldr q0, [x1, #0x10]", "load"),
        ("ld1r { v0.4s }, [x1]", "load"),
        ("stp q0, q1, [x1]", "store"),
        ("prfm pldl1keep, [x1, #0x80]", "prefetch"),
        ("mov v8.d[1], x7", "vector"),
        ("fmax v8.4s, v8.4s, v0.4s", "vector"),
        ("add x1, x1, #0x40", "integer"),
        ("b.ne 0x10 <f+0x10>", "branch"),
        ("cbz x1, 0x10", "branch"),
        ("bl 0x10 <f>", "branch"),
        ("bic x0, x1, x2", "integer"),
    ],
)
def test_classes_of_instructions(text: str, wanted: str) -> None:
    assert classify(text) == wanted


def test_products_and_spills_of_instructions() -> None:
    assert multiplications("fmla v0.4s, v1.4s, v2.s[3]") == 4
    assert multiplications("fmla v0.2d, v1.2d, v2.2d") == 2
    assert multiplications("fmadd s0, s1, s2, s3") == 1
    assert is_spill("ldr q0, [sp, #0x10]")
    assert not is_spill("ldr q0, [x2, #0x10]")
    assert is_spill("str x3, [x29, #0x10]")
    assert not is_spill("ldr q10, [x29], #16")


@pytest.mark.parametrize(
    ("body", "a53", "a55"),
    [
        (FMA, 24, 24),
        (["ldr q0, [x1]"] * 4, 8, 8),
        (["ldp q0, q1, [x1]"] * 4, 16, 16),
        (["ldr x2, [x1]", "fmla v0.4s, v1.4s, v2.s[0]", "fmla v3.4s, v1.4s, v2.s[0]"] * 4, 16, 16),
        (["ldr d2, [x1]", "ins v3.d[1], x4"] * 4, 8, 8),
        (["prfm pldl1keep, [x1]", "fmla v0.4s, v1.4s, v2.s[0]"] * 4, 16, 16),
        (["fmla v0.4s, v1.4s, v2.s[0]"] * 4, 16, 16),
        (["add x1, x1, #0x1", "add x2, x2, #0x1"] * 6, 6, 6),
    ],
)
def test_cycles_of_known_sequences(body: list[str], a53: float, a55: float) -> None:
    assert cycles(body, "sim-a53") == a53
    assert cycles(body, "sim-a55") == a55


def test_the_cores_differ_in_what_goes_with_a_multiplication() -> None:
    body = [line for i in range(8) for line in (f"fmla v{i}.4s, v30.4s, v31.s[0]", "ldr d29, [x1]")]
    assert cycles(body, "sim-a55") == 8
    assert cycles(body, "sim-a53") >= 16


@pytest.fixture
def objdump(tmp_path: Path) -> str:
    program = tmp_path / "objdump"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{LISTING}END\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return str(program)


def test_innermost_loop_of_a_listing(objdump: str, tmp_path: Path) -> None:
    loops = main_loops(objdump, tmp_path / "libx.a", least=1)
    assert [loop.function for loop in loops] == ["neon:tile_6x1"]
    (loop,) = loops
    assert loop.mix == {
        "fma": 1,
        "load": 2,
        "store": 0,
        "prefetch": 0,
        "vector": 0,
        "integer": 1,
        "branch": 1,
        "spills": 1,
    }
    assert loop.macs == 4
    assert loop.code == bytes.fromhex("00cc214e 2100c03d e20340f9 000400f1 81ffff54")


def test_panel_counts_products_and_is_cut() -> None:
    stem = PANEL[0]
    assert stem.macs == 112 * 112 * 49 * 3 * 64
    assert stem.arguments() == ["224", "224", "7", "7", "3", "3", "3", "3", "2", "3", "64"]
    assert stem.cut(1e9) is stem
    small = PanelLayer(112, 3, 1, 1, 64, 128).cut(100e6)
    assert small.input_height == 12
    assert small.macs == 12 * 112 * 9 * 64 * 128


def result() -> dict[str, Any]:
    loop = {
        "function": "neon:tile_6x4",
        "shipped": True,
        "instructions": 116,
        "fma": 96,
        "load": 14,
        "spills": 0,
        "models": {"neoverse-n1": {"rate": 8.0, "share": 1.0}},
    }
    entry = {
        "layer": "7 3x3 512-512",
        "asked": "indirect",
        "ran": "indirect/neon_6x16",
        "macs": 4000,
        "height": 7,
        "cut": False,
        "fma_share": 0.8,
        "classes": {"fma": 1000, "vector_load": 200, "integer": 50},
    }
    return {
        "llvm": 22,
        "qemu": "7.2",
        "commit": "abc",
        "build_id": "0" * 40,
        "peaks": {"neoverse-n1": 8.0},
        "missing_models": ["neoverse-v3"],
        "kernels": [],
        "loops": [loop],
        "executed": [entry],
        "lines": [],
    }


def test_tables_hold_the_figures() -> None:
    xnnpack = {
        "snapshot": "of a day",
        "models": "same",
        "loops": [{"loop": "6x8", "instructions": 60, "fma": 48, "loads": 10, "share": {"neoverse-n1": 89}}],
    }
    text = markdown(result(), xnnpack)
    assert "| neon:tile_6x4 | 1.21 | 96 | 14 | 0 |" in text
    assert "8.0 (100%)" in text
    assert "| XNNPACK 6x8 | 1.25 | 48 | 10 | 0 |" in text
    assert "Missing models: neoverse-v3" in text
    assert "| 80.0% | 0.00 | 1.000 | vector load 16.0%, integer 4.0% |" in text
    assert "Static models" in text
    assert "do not compare" not in text
    assert "do not compare" in markdown({**result(), "llvm": 14}, xnnpack)


def test_changes_since_a_baseline() -> None:
    before, now = result(), copy.deepcopy(result())
    assert changes(now, before) == []
    now["executed"][0]["classes"]["integer"] = 300
    now["loops"][0]["spills"] = 3
    now["loops"].append({**now["loops"][0], "function": "neon:tile_8x2", "models": {}})
    assert changes(now, before) == [
        "7 3x3 512-512, indirect: million instructions: 0.00125 -> 0.0015 (+20.0%)",
        "neon:tile_6x4: spills: 0 -> 3",
        "neon:tile_8x2: instructions per FMA: new",
        "neon:tile_8x2: spills: new",
    ]
    now["llvm"] = 23
    assert changes(now, before)[0] == "not the same llvm-mca: 22 -> 23"
