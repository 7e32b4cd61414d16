"""Instructions as llvm-objdump prints them: AArch64's classes and the registers they touch, and what loops are told by
for any instruction set."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

_MULTIPLY_ADD = frozenset(
    ("fmla", "fmls", "fmadd", "fmsub", "fnmadd", "fnmsub", "fmlal", "fmlal2", "bfmmla", "fmmla"),
)
_COMPARE_AND_BRANCH = frozenset(("b", "cbz", "cbnz", "tbz", "tbnz"))
_REGISTER = re.compile(r"\b(?:([vzqdshb])(\d+)|([xw])(\d+)|(sp))\b")
CLASSES = ("fma", "load", "store", "prefetch", "vector", "integer", "branch")


@dataclass(frozen=True)
class InstructionSet:
    """How to read a listing: functions of an instruction's text, mnemonics that leave a loop for elsewhere, the start
    of a comment as a pattern."""

    classify: Callable[[str], str]
    is_branch: Callable[[str], bool]
    is_spill: Callable[[str], bool]
    multiplications: Callable[[str], int]
    leaving: frozenset[str]
    comment: str
    objdump_options: tuple[str, ...] = ()


def operation(text: str) -> str:
    """The mnemonic."""
    return text.split(maxsplit=1)[0]


def is_branch(text: str) -> bool:
    """Whether it jumps, on a condition or not; calls and returns are left out."""
    name = operation(text)
    return name in _COMPARE_AND_BRANCH or name.startswith("b.")


def classify(text: str) -> str:
    """One of CLASSES."""
    name, _, operands = text.partition(" ")
    if name in _MULTIPLY_ADD:
        return "fma"
    if name.startswith("prf"):
        return "prefetch"
    if name.startswith("ld"):
        return "load"
    if name.startswith("st"):
        return "store"
    if is_branch(text) or name in ("ret", "bl", "blr", "br"):
        return "branch"
    return "vector" if re.search(r"\b[vz]\d+\.|\b[qdsh]\d+\b", operands) else "integer"


def multiplications(text: str) -> int:
    """How many products a multiply-add makes (SVE counted as 128 bits)."""
    vector = re.search(r"\bv\d+\.(\d+)[hsd]\b", text)
    if vector:
        return int(vector[1])
    return 4 if re.search(r"\bz\d+\.s", text) else 1


def is_spill(text: str) -> bool:
    """Whether it loads from or stores to the stack. An x29 that moves on is no frame pointer."""
    return classify(text) in ("load", "store") and re.search(r"\[sp\b|\[x29(, #-?\w+)?\]$", text) is not None


def registers(operands: str) -> list[str]:
    """Registers named, vector registers as "v7" and general ones as "x7" whatever their width, in order."""
    found = []
    for match in _REGISTER.finditer(operands):
        if match[1]:
            found.append("v" + match[2])
        elif match[3]:
            found.append("x" + match[4])
        else:
            found.append("sp")
    return found


ARM64 = InstructionSet(
    classify,
    is_branch,
    is_spill,
    multiplications,
    leaving=frozenset(("bl", "blr", "br", "ret")),
    comment="//|;",
    objdump_options=("--mattr=+all",),
)
