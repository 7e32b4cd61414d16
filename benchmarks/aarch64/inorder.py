"""Models of Cortex-A53 and A55 for f32 loops: two instructions per cycle, in order.

llvm-mca's models of these cores write results back in program order, so that a load behind a multiplication is charged
its latency; they rank f32 kernels wrongly. The rules here are published measurements (ncnn's note on dual issue of A53
and A55, micro-benchmarks of `ins` and `ldr` on A53):

both  one load per cycle; a 128-bit multiply-add takes both 64-bit pipes, so the peak is 4 products per cycle; integer
      operations, loads into general registers and prefetches issue beside it; a 128-bit load takes 2 cycles and does
      not, a pair of them 4.
A53   64-bit vector loads and insertions take one of the two pipes, so they issue beside each other but not beside a
      128-bit multiply-add; no vector load issues 4 cycles after a multiply-add. Multiply-add: 4 cycles into the same
      sum, 8 otherwise.
A55   64-bit vector loads and insertions issue beside a multiply-add, which takes 4 cycles.

Guessed latencies: load into a general register 3 (A55: 2), 64-bit vector load 4, insertion 2, integer operation 1. No
cache, fetch or branch costs. Fit to rank kernels, not to predict speeds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from benchmarks.aarch64.instructions import is_branch, registers

_ITERATIONS = 24


@dataclass
class _Operation:
    """What an instruction needs: ``wide`` is 128 bits, ``count`` registers loaded or stored, ``base`` written back."""

    kind: str
    sources: list[str]
    results: list[str]
    wide: bool = False
    count: int = 1
    base: str | None = None
    sum: str | None = None

    @property
    def is_memory(self) -> bool:
        return self.kind in ("load v", "load x", "store v", "store x", "prefetch")


def _memory(name: str, operands: str, wide: bool) -> _Operation:
    bracket = operands.rindex("[")
    lane = re.search(r"\}\s*\[\d\]", operands)
    if lane:
        bracket = operands.rindex("[", lane.end())
    data, address = registers(operands[:bracket]), registers(operands[bracket:])
    group = re.search(r"\{\s*v(\d+)\.\w+\s*-\s*v(\d+)", operands)
    if group:
        data = [f"v{i}" for i in range(int(group[1]), int(group[2]) + 1)]
    is_load = name.startswith("ld")
    kind = ("load " if is_load else "store ") + ("v" if data and data[0].startswith("v") else "x")
    writes_back = operands.rstrip().endswith("!") or not operands.rstrip().endswith("]")
    return _Operation(
        kind,
        sources=address + (data if lane or not is_load else []),
        results=data if is_load else [],
        wide=wide and not lane,
        count=max(1, len(data)),
        base=address[0] if writes_back else None,
    )


def _vector(name: str, operands: str, wide: bool) -> _Operation:
    named = registers(operands)
    if name in ("fmla", "fmls", "fmlal", "fmlal2"):
        return _Operation("fma", named[1:], named[:1], wide, sum=named[0])
    if name in ("ins", "fmov", "dup") or (name == "mov" and "[" in operands):
        into_lane = "[" in operands.split(",", maxsplit=1)[0]
        return _Operation("insert", named if into_lane else named[1:], named[:1])
    return _Operation("vector", named[1:], named[:1], wide)


def _decode(text: str) -> _Operation:
    name, _, operands = text.partition(" ")
    wide = bool(re.search(r"\.(4s|2d|8h|16b)\b|\bq\d+\b", operands))
    if name.startswith("prf"):
        return _Operation("prefetch", registers(operands), [])
    if name.startswith(("ld", "st")) and "[" in operands:
        return _memory(name, operands, wide)
    if is_branch(text) or name == "ret":
        flags = ["flags"] if name.startswith("b.") else []
        return _Operation("branch", registers(operands.split("0x")[0]) + flags, [])
    if name in ("cmp", "cmn", "tst", "ccmp"):
        return _Operation("integer", registers(operands), ["flags"])
    if re.search(r"\b[vqds]\d+", operands):
        return _vector(name, operands, wide)
    named = registers(operands) if name != "nop" else []
    flags = ["flags"] if name in ("subs", "adds", "ands") else []
    return _Operation("integer", named[1:], named[:1] + flags)


@dataclass
class _Core:
    """The state of issue: the cycle, what it already holds, and when registers and units are ready again."""

    a53: bool
    cycle: int = 0
    issued: int = 0
    pipes: int = 0
    loads: int = 0
    pipes_free: int = 0
    loads_free: int = 0
    ready: dict[str, int] = field(default_factory=dict)
    sum_ready: dict[str, int] = field(default_factory=dict)
    multiplied: set[int] = field(default_factory=set)

    def _pipes_of(self, operation: _Operation) -> int:
        if operation.kind in ("fma", "vector"):
            return 2 if operation.wide else 1
        if operation.kind == "load v" and (operation.wide or operation.count > 1):
            return 2
        return 1 if self.a53 and operation.kind in ("insert", "load v", "store v") else 0

    def _fits(self, operation: _Operation, pipes: int) -> bool:
        if self.issued == 2 or any(self.ready.get(source, 0) > self.cycle for source in operation.sources):
            return False
        if operation.sum is not None and self.sum_ready.get(operation.sum, 0) > self.cycle:
            return False
        if pipes and (self.pipes + pipes > 2 or self.pipes_free > self.cycle):
            return False
        if operation.is_memory and (self.loads == 1 or self.loads_free > self.cycle):
            return False
        return not (self.a53 and operation.kind == "load v" and self.cycle - 4 in self.multiplied)

    def issue(self, operation: _Operation) -> None:
        pipes = self._pipes_of(operation)
        while not self._fits(operation, pipes):
            self.cycle += 1
            self.issued = self.pipes = self.loads = 0
        self.issued += 1
        self.pipes += pipes
        self.loads += operation.is_memory
        self._finish(operation, pipes)
        if operation.base is not None:
            self.ready[operation.base] = self.cycle + 1

    def _finish(self, operation: _Operation, pipes: int) -> None:
        if operation.kind == "fma":
            self.multiplied.add(self.cycle)
            self.sum_ready[operation.results[0]] = self.cycle + 4
            self.ready[operation.results[0]] = self.cycle + (8 if self.a53 else 4)
        elif operation.kind.startswith("load"):
            self._load(operation, pipes)
        elif operation.kind.startswith("store"):
            self.loads_free = self.cycle + operation.count * (2 if operation.wide else 1)
        else:
            latency = {"vector": 4, "insert": 2}.get(operation.kind, 1)
            for result in operation.results:
                self.ready[result] = self.sum_ready[result] = self.cycle + latency

    def _load(self, operation: _Operation, pipes: int) -> None:
        busy = operation.count * (2 if operation.wide else 1)
        if operation.kind == "load x" and operation.count == 2:
            busy = 2 if self.a53 else 1
        self.loads_free = self.cycle + busy
        if pipes == 2:
            self.pipes_free = self.cycle + busy
        latency = 4 if operation.kind == "load v" else 3 if self.a53 else 2
        each = busy // operation.count
        for i, result in enumerate(operation.results):
            last = i == len(operation.results) - 1
            wait = max(0, busy - 1 if last else each * (i + 1) - 1)
            self.ready[result] = self.sum_ready[result] = self.cycle + latency + wait


def cycles(texts: list[str], core: str) -> float:
    """Cycles per iteration of a loop in its steady state; ``core`` is "sim-a53" or "sim-a55"."""
    operations = [_decode(text) for text in texts]
    state = _Core(a53=core == "sim-a53")
    ends = []
    for _ in range(_ITERATIONS):
        for operation in operations:
            state.issue(operation)
        ends.append(state.cycle)
    half = _ITERATIONS // 2
    return (ends[-1] - ends[half - 1]) / (_ITERATIONS - half)
