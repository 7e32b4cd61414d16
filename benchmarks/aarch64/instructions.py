"""Instructions of AArch64 as llvm-objdump prints them: classes and the registers they touch."""

from __future__ import annotations

import re

_MULTIPLY_ADD = frozenset(
    ("fmla", "fmls", "fmadd", "fmsub", "fnmadd", "fnmsub", "fmlal", "fmlal2", "bfmmla", "fmmla"),
)
_COMPARE_AND_BRANCH = frozenset(("b", "cbz", "cbnz", "tbz", "tbnz"))
_REGISTER = re.compile(r"\b(?:([vzqdshb])(\d+)|([xw])(\d+)|(sp))\b")
CLASSES = ("fma", "load", "store", "prefetch", "vector", "integer", "branch")


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
    """Whether it loads from or stores to the stack."""
    return classify(text) in ("load", "store") and re.search(r"\[(sp|x29)\b", text) is not None


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
