"""Instructions by multiplication in the inner loop of every kernel, from the built libraries."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from benchmarks.aarch64.arm32_instructions import ARM32
from benchmarks.aarch64.instructions import ARM64, InstructionSet
from benchmarks.aarch64.loops import Loop, main_loops
from benchmarks.aarch64.markdown import table
from benchmarks.aarch64.x86_instructions import X86
from harness.errors import InfrastructureError


@dataclass(frozen=True)
class Known:
    """The thriftiest loop known elsewhere for the same purpose: whose, its instructions and multiplications."""

    whose: str
    instructions: int
    multiplications: int


# By kernel of an instruction set: the function of its largest tile, and a loop to compare with. XNNPACK's are those of
# xnnpack.json that need fewest instructions on such cores; the AVX2 one is a trial loop in assembly.
_IN_ORDER = Known("XNNPACK 6x8 for A53 and A55", 93, 48)
_KERNELS: dict[InstructionSet, dict[str, tuple[str, Known | None]]] = {
    ARM64: {
        "neon_6x16": ("neon_6x16:tile_6x4", Known("XNNPACK 6x8 for A73", 114, 96)),
        "neon_8x8_a53": ("cortex_a53:ic_cortex_a53_8", _IN_ORDER),
        "neon_8x8_a55": ("cortex_a55:ic_cortex_a55_8", _IN_ORDER),
    },
    ARM32: {
        "neon_4x8": ("neon_4x8:tile_4x2", None),
        "vfpv4_4x8": ("vfpv4_4x8:tile_4x2", None),
    },
    X86: {
        "avx512_6x64": ("avx512_6x64:tile_6x4", None),
        "avx2_6x16": ("avx2_6x16:tile_6x2", Known("assembly 6x16, four steps a turn", 83, 48)),
    },
}


@dataclass(frozen=True)
class KernelLoop:
    """A kernel and the inner loop of its largest tile."""

    kernel: str
    loop: Loop
    known: Known | None

    @property
    def ratio(self) -> float:
        """Instructions by multiplication (a vector multiply-add)."""
        return len(self.loop.body) / self.loop.mix["fma"]


def kernel_loops(objdump: str, library: Path, isa: InstructionSet) -> list[KernelLoop]:
    """The loop of each of the library's kernels that multiplies vectors.

    Raises InfrastructureError for a kernel whose loop is not found: its tiles have other names, or were left out.
    """
    loops = {loop.function: loop for loop in main_loops(objdump, library, least=1, isa=isa)}
    found = []
    for kernel, (function, known) in _KERNELS[isa].items():
        if function not in loops:
            raise InfrastructureError(
                f"{library}: {kernel} has no inner loop in {function}", f"see {Path(__file__).name}"
            )
        found.append(KernelLoop(kernel, loops[function], known))
    return found


def kernels_text(kernels: list[dict[str, object]]) -> list[str]:
    """The table of kernels."""
    head = ["kernel", "tile", "instructions by multiplication", "instructions", "multiplications", "loads", "spills"]
    head += ["products each", "best known loop", "its instructions by multiplication"]
    lines = ["## Instructions by multiplication", ""]
    lines += ["In a turn of the inner loop of the largest tile, counted in the built library. A multiplication is a"]
    lines += ["vector multiply-add; on x86-64 one that also loads is one instruction.", ""]
    rows = []
    for kernel in kernels:
        tile = re.search(r"\d+x\d+", str(kernel["kernel"]))
        cells = [str(kernel["kernel"]), tile[0] if tile else "-", f"{kernel['ratio']:.2f}"]
        cells += [str(kernel[name]) for name in ("instructions", "fma", "load", "spills", "products", "known")]
        rows.append([*cells, f"{kernel['known_ratio']:.2f}" if kernel["known_ratio"] else "-"])
    return lines + table(head, rows)


def entry(kernel: KernelLoop) -> dict[str, object]:
    """The kernel as the result holds it."""
    mix, known = kernel.loop.mix, kernel.known
    return {
        "kernel": kernel.kernel,
        "ratio": kernel.ratio,
        "instructions": len(kernel.loop.body),
        **{name: mix[name] for name in ("fma", "load", "spills")},
        "products": kernel.loop.macs // mix["fma"],
        "known": known.whose if known else "-",
        "known_ratio": known.instructions / known.multiplications if known else None,
    }
