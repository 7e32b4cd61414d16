"""Innermost loops of the functions in an archive or object file."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.aarch64.instructions import CLASSES, classify, is_branch, is_spill, multiplications, operation

_MEMBER = re.compile(r"^(?:.*\()?([^()]*?)\)?:\s+file format ")
_SYMBOL = re.compile(r"^[0-9a-f]+ <(.*)>:$")
_INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\s+((?:[0-9a-f]{8}|(?:[0-9a-f]{2} ){4}))\s+(\S.*)$")
_TARGET = re.compile(r"0x([0-9a-f]+)(?: <|$)")
_JUMPS_AWAY = ("bl", "blr", "br", "ret")


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

    @property
    def texts(self) -> list[str]:
        return [instruction.text for instruction in self.body]

    @property
    def code(self) -> bytes:
        return b"".join(instruction.code for instruction in self.body)

    @property
    def mix(self) -> dict[str, int]:
        """Instructions by class, and ``spills``, those of them that load from or store to the stack."""
        classes = [classify(text) for text in self.texts]
        return {name: classes.count(name) for name in CLASSES} | {"spills": sum(map(is_spill, self.texts))}

    @property
    def macs(self) -> int:
        return sum(multiplications(text) for text in self.texts if classify(text) == "fma")

    @property
    def calls(self) -> bool:
        """Whether it leaves the loop in a way that the models do not follow."""
        return any(operation(text) in _JUMPS_AWAY for text in self.texts)


def disassemble(objdump: str, path: Path) -> dict[str, list[Instruction]]:
    """Instructions by function ("member:symbol"). Raises subprocess.CalledProcessError for what is no object."""
    command = [objdump, "-d", "--mattr=+all", str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    functions: dict[str, list[Instruction]] = {}
    member, current = path.name, list[Instruction]()
    for line in done.stdout.splitlines():
        if match := _MEMBER.match(line):
            member = Path(match[1]).name
        elif match := _SYMBOL.match(line):
            name = f"{re.sub(r'[.](c|S)[.]o(bj)?$', '', member)}:{match[1]}"
            current = functions.setdefault(name, [])
        elif match := _INSTRUCTION.match(line):
            text = re.sub(r"\s*(//|;).*$", "", match[3]).replace("\t", " ").strip()
            code = match[2].replace(" ", "")
            word = bytes.fromhex(code)
            # Without spaces it is a number, with spaces the bytes as they lie.
            current.append(Instruction(int(match[1], 16), word if " " in match[2] else word[::-1], text))
    return functions


def _spans(function: list[Instruction]) -> list[tuple[int, int]]:
    index = {instruction.address: i for i, instruction in enumerate(function)}
    spans = set()
    for i, instruction in enumerate(function):
        target = _TARGET.search(instruction.text) if is_branch(instruction.text) else None
        if target and int(target[1], 16) <= instruction.address and int(target[1], 16) in index:
            spans.add((index[int(target[1], 16)], i))
    return sorted(spans)


def innermost(name: str, function: list[Instruction]) -> Iterator[Loop]:
    """Loops without another one inside."""
    spans = _spans(function)
    for low, high in spans:
        if not any((a, b) != (low, high) and low <= a and b <= high for a, b in spans):
            yield Loop(name, tuple(function[low : high + 1]))


def main_loops(objdump: str, path: Path, least: int = 4) -> list[Loop]:
    """Per function the innermost loop with most multiply-adds, where that has at least ``least``."""
    found = []
    for name, function in disassemble(objdump, path).items():
        loops = [loop for loop in innermost(name, function) if loop.mix["fma"] >= least and not loop.calls]
        if loops:
            found.append(max(loops, key=lambda loop: loop.mix["fma"]))
    return found
