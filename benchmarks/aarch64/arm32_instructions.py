"""Instructions of 32-bit Arm, ARM and Thumb, as llvm-objdump prints them."""

from __future__ import annotations

import re

from benchmarks.aarch64.instructions import InstructionSet, operation

_CONDITION = "(eq|ne|hs|lo|cs|cc|mi|pl|vs|vc|hi|ls|ge|lt|gt|le|al)"
_BRANCH = re.compile(rf"b{_CONDITION}?(\.w)?|cbn?z")
_LEAVING = frozenset(("bl", "blx", "bx", "pop"))
_MULTIPLY_ADD = re.compile(r"vf?(ma|ms|mla|mls)\.f(32|64)|vml[as]\.f(32|64)")


def is_branch(text: str) -> bool:
    """Whether it jumps, on a condition or not; calls and returns are left out."""
    return _BRANCH.fullmatch(operation(text)) is not None


def classify(text: str) -> str:
    """One of CLASSES."""
    name = operation(text)
    if _MULTIPLY_ADD.fullmatch(name):
        return "fma"
    if name.startswith("pl"):
        return "prefetch"
    if name.startswith(("ldr", "ldm", "vld")):
        return "load"
    if name.startswith(("str", "stm", "vst")):
        return "store"
    if is_branch(text) or name in _LEAVING:
        return "branch"
    return "vector" if name.startswith("v") else "integer"


def multiplications(text: str) -> int:
    """How many products a multiply-add makes, of 32-bit floats."""
    register = re.search(r"\b([qds])\d+", text)
    return {"q": 4, "d": 2, "s": 1}[register[1]] if register else 1


def is_sum(text: str) -> bool:
    """Whether it is about a vector on the stack: of one there the address is made first, or it is the stack's end."""
    name = operation(text)
    if name.startswith(("vld", "vst")):
        return re.search(r"\[(sp|r11)\b", text) is not None
    return re.match(r"(add|sub|mov)\S*\s+\w+, (sp|r11)\b", text) is not None


def is_spill(text: str) -> bool:
    """Whether it loads from or stores to the stack, or makes the address of a place there."""
    return is_sum(text) or (
        classify(text) in ("load", "store") and re.search(r"\[(sp|r11)\b|\bsp!?,", text) is not None
    )


ARM32 = InstructionSet(
    classify,
    is_branch,
    is_spill,
    multiplications,
    leaving=_LEAVING,
    comment="@|;",
    objdump_options=("--mattr=+neon,+vfp4",),
)
