"""Instructions of x86-64 as llvm-objdump prints them (AT&T syntax)."""

from __future__ import annotations

import re

from benchmarks.aarch64.instructions import InstructionSet, operation

_FMA = re.compile(r"vfn?m(add|sub)\d+[ps][sd]$")
_VECTOR_FLOATS = {"x": 4, "y": 8, "z": 16}


def _writes_memory(operands: str) -> bool:
    return operands.rstrip().endswith(")")


def is_branch(text: str) -> bool:
    """Whether it jumps, on a condition or not; calls and returns are left out."""
    return operation(text).startswith("j")


def classify(text: str) -> str:
    """One of CLASSES. A multiply-add or another operation that also loads is what it computes; a broadcast or a move
    from memory is a load."""
    name, _, operands = text.partition(" ")
    if _FMA.match(name):
        return "fma"
    if name.startswith("prefetch"):
        return "prefetch"
    if is_branch(text) or name.startswith(("call", "ret")):
        return "branch"
    moves = name.startswith(("mov", "vmov", "vbroadcast"))
    if moves and "(" in operands:
        return "store" if _writes_memory(operands) else "load"
    return "vector" if re.search(r"%[xyz]mm\d", operands) else "integer"


def multiplications(text: str) -> int:
    """How many products a multiply-add makes, of 32-bit floats."""
    if not operation(text).endswith("ps"):
        return 1
    return max((_VECTOR_FLOATS[width] for width in re.findall(r"%([xyz])mm\d", text)), default=1)


def is_spill(text: str) -> bool:
    """Whether it loads from or stores to the stack. An rbp that something lies above is taken for no frame pointer."""
    return re.search(r"\(%rsp\b|-(0x)?[0-9a-f]+\(%rbp\)", text) is not None


X86 = InstructionSet(
    classify,
    is_branch,
    is_spill,
    multiplications,
    leaving=frozenset(("call", "callq", "ret", "retq")),
    comment="#",
)
