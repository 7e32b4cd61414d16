"""Innermost loops of the functions in an archive or object file."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.aarch64.instructions import ARM64, CLASSES, InstructionSet, operation

_MEMBER = re.compile(r"^(?:.*\()?([^()]*?)\)?:\s+file format ")
_SYMBOL = re.compile(r"^[0-9a-f]+ <(.*)>:$")
_INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\s+((?:[0-9a-f]{8}|(?:[0-9a-f]{2} )+))\s+(\S.*)$")
_TARGET = re.compile(r"0x([0-9a-f]+)(?: <|$)")


@dataclass(frozen=True)
class Instruction:
    """Address, machine code (little endian) and text without comments."""

    address: int
    code: bytes
    text: str


@dataclass(frozen=True)
class Loop:
    """The instructions from a backward branch's target to the branch. ``function`` is "member:symbol"."""

    function: str
    body: tuple[Instruction, ...]
    isa: InstructionSet = ARM64

    @property
    def texts(self) -> list[str]:
        return [instruction.text for instruction in self.body]

    @property
    def code(self) -> bytes:
        return b"".join(instruction.code for instruction in self.body)

    @property
    def mix(self) -> dict[str, int]:
        """Instructions by class, and ``spills``, those of them that load from or store to the stack."""
        classes = [self.isa.classify(text) for text in self.texts]
        return {name: classes.count(name) for name in CLASSES} | {"spills": sum(map(self.isa.is_spill, self.texts))}

    @property
    def macs(self) -> int:
        fma = [text for text in self.texts if self.isa.classify(text) == "fma"]
        return sum(self.isa.multiplications(text) for text in fma)

    @property
    def calls(self) -> bool:
        """Whether it leaves the loop in a way that the models do not follow."""
        return any(operation(text) in self.isa.leaving for text in self.texts)


def disassemble(objdump: str, path: Path, isa: InstructionSet = ARM64) -> dict[str, list[Instruction]]:
    """Instructions by function ("member:symbol"). Raises subprocess.CalledProcessError for what is no object."""
    command = [objdump, "-d", *isa.objdump_options, str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    functions: dict[str, list[Instruction]] = {}
    member, current = path.name, list[Instruction]()
    for line in done.stdout.splitlines():
        if match := _MEMBER.match(line):
            member = Path(match[1]).name
        elif (match := _SYMBOL.match(line)) and not match[1].startswith("$"):  # Arm marks code and data by such
            name = f"{re.sub(r'[.](c|S)[.]o(bj)?$', '', member)}:{match[1]}"
            current = functions.setdefault(name, [])
        elif match := _INSTRUCTION.match(line):
            text = re.sub(rf"\s*({isa.comment}).*$", "", match[3]).replace("\t", " ").strip()
            code = match[2].replace(" ", "")
            word = bytes.fromhex(code)
            # Without spaces it is a number, with spaces the bytes as they lie.
            current.append(Instruction(int(match[1], 16), word if " " in match[2] else word[::-1], text))
    return functions


def _spans(function: list[Instruction], isa: InstructionSet) -> list[tuple[int, int]]:
    index = {instruction.address: i for i, instruction in enumerate(function)}
    spans = set()
    for i, instruction in enumerate(function):
        target = _TARGET.search(instruction.text) if isa.is_branch(instruction.text) else None
        if target and int(target[1], 16) <= instruction.address and int(target[1], 16) in index:
            spans.add((index[int(target[1], 16)], i))
    return sorted(spans)


def innermost(name: str, function: list[Instruction], isa: InstructionSet = ARM64) -> Iterator[Loop]:
    """Loops without another one inside."""
    spans = _spans(function, isa)
    for low, high in spans:
        if not any((a, b) != (low, high) and low <= a and b <= high for a, b in spans):
            yield Loop(name, tuple(function[low : high + 1]), isa)


def main_loops(objdump: str, path: Path, least: int = 4, isa: InstructionSet = ARM64) -> list[Loop]:
    """Per function the innermost loop with most multiply-adds, where that has at least ``least``."""
    found = []
    for name, function in disassemble(objdump, path, isa).items():
        loops = [loop for loop in innermost(name, function, isa) if loop.mix["fma"] >= least and not loop.calls]
        if loops:
            found.append(max(loops, key=lambda loop: loop.mix["fma"]))
    return found
