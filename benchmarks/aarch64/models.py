"""How many products per cycle a loop reaches in models of cores."""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

from benchmarks.aarch64 import inorder
from benchmarks.aarch64.instructions import is_branch
from benchmarks.aarch64.loops import Loop

# Model and the cores that it stands for. Models of llvm-mca by LLVM's name; our own start with "sim-".
MODELS = {
    "sim-a53": "A53",
    "sim-a55": "A55",
    "cortex-a510": "A510, A520",
    "cortex-a57": "A57, A72, A73, A75",
    "neoverse-n1": "N1, A76, A77, A78",
    "neoverse-n2": "N2, A710, A715, A720",
    "cortex-x1": "X1, V1",
    "neoverse-v2": "V2, X2, X3",
    "neoverse-v3": "V3, X4, X925",
}
OLDEST_LLVM = 22  # whose models XNNPACK's figures come from
CAVEATS = (
    "Static models, nothing here was timed on an ARM core. Only the inner loop over channels is judged, every load "
    "answered by an endless L1: no fetch, branch, TLB or prefetch; not the pointers of a tap, tails or packing.",
    "sim-a53 and sim-a55 are our own (inorder.py), from published rules of dual issue and some guessed latencies; they "
    "rank kernels, they do not predict speeds. llvm-mca's own models of A53 and A55 are not used: they charge a load "
    "behind a multiplication its latency and rank kernels the wrong way round.",
    "cortex-a510 shares that engine: take it as a hint. cortex-a57 and cortex-x1 reach 100 % on nearly any loop that "
    "neither spills nor stalls. neoverse-n1 is pessimistic (3 instructions per cycle, a 128-bit load is two of them) "
    "and stands for A76 to A78, which LLVM itself models as A57. neoverse-v2 charges `ldp q` with write-back six "
    "operations.",
)
_PROBE = [f"fmla v{i}.4s, v30.4s, v31.s[0]" for i in range(24)]
_RUNS = 100


class Models:
    """Runs llvm-mca; remembers each model's peak."""

    def __init__(self, mca: str) -> None:
        self._mca = mca
        self._peaks: dict[str, float | None] = {}

    def peak(self, model: str) -> float | None:
        """Products per cycle of 24 independent multiply-adds; None where this llvm-mca lacks the model."""
        if model not in self._peaks:
            cycles = self.cycles(_PROBE, model)
            self._peaks[model] = None if cycles is None else 4.0 * round(len(_PROBE) / cycles)
        return self._peaks[model]

    def rate(self, loop: Loop, model: str) -> float | None:
        """Products per cycle of a loop."""
        cycles = self.cycles(loop.texts, model)
        return None if cycles is None else loop.macs / cycles

    def cycles(self, texts: list[str], model: str) -> float | None:
        """Cycles per iteration in the steady state: what another hundred iterations add."""
        if model.startswith("sim-"):
            return inorder.cycles(texts, model)
        once, twice = self._total(texts, model, _RUNS), self._total(texts, model, 2 * _RUNS)
        return None if once is None or twice is None else (twice - once) / _RUNS

    def _total(self, texts: list[str], model: str, iterations: int) -> int | None:
        lines = ["loop:"]
        for text in texts:
            pattern, to = (r"0x[0-9a-f]+( <.*>)?$", "loop") if is_branch(text) else (r" <.*>$", "")
            lines.append(re.sub(pattern, to, text))
        options = ["-mtriple=aarch64", f"-mcpu={model}", "-mattr=+neon", f"-iterations={iterations}"]
        with tempfile.NamedTemporaryFile("w", suffix=".s") as file:
            file.write("\n".join(lines) + "\n")
            file.flush()
            command = [self._mca, *options, "-instruction-info=0", "-resource-pressure=0", file.name]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        # llvm-mca takes an unknown CPU for "generic" and only warns.
        known = done.returncode == 0 and "is not a recognized processor" not in done.stderr
        match = re.search(r"Total Cycles:\s+(\d+)", done.stdout)
        return int(match[1]) if known and match else None


def judge(loop: Loop, models: Models) -> dict[str, dict[str, float]]:
    """By model: ``rate`` (products per cycle) and ``share`` of the model's peak, 0 to 1."""
    figures = {}
    for model in MODELS:
        peak = models.peak(model)
        rate = models.rate(loop, model) if peak else None
        if peak and rate is not None:
            figures[model] = {"rate": round(rate, 3), "share": round(rate / peak, 4)}
    return figures


def shipped(loop: Loop, program: Path) -> bool:
    """Whether the loop's machine code is in the program, which is stripped of its symbols."""
    return loop.code in program.read_bytes()
