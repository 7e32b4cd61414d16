"""One peer in a process of its own: answers a line of JSON for each line of JSON.

``python -m benchmarks.peers.side.worker PEER CPUS THREADS``; CPUS as "0" or "0,1". The first line says versions, or why
the peer cannot be had. Requests: ``{"do": "prepare", "layer": {...}, "folder": ..., "ns": ...}`` (reads w.f32, b.f32
and x.f32, writes NAME.f32, the result as NHWC), ``{"do": "sample", "ns": N}`` (the median time of calls over N ns).
"""

from __future__ import annotations

import importlib
import json
import os
import statistics
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

MODULES = {
    "xnnpack": "litert",
    "onnxruntime": "ort",
    "onednn": "onednn",
    "onednn_avx2": "onednn",
    "torch_im2col": "torch_im2col",
    "ncnn": "ncnn_layer",
    "ncnn_winograd": "ncnn_layer",
}
_LEAST_CALLS = 3


def sample(call: Callable[[], object], ns: float) -> tuple[float, int]:
    """Median nanoseconds of single calls over at least ``ns`` of calls, and their number; one untimed call first."""
    clock = time.perf_counter_ns
    call()
    times: list[int] = []
    total = 0
    while total < ns or len(times) < _LEAST_CALLS:
        start = clock()
        call()
        taken = clock() - start
        times.append(taken)
        total += taken
    return statistics.median(times), len(times)


class Side:
    """The peer's module, and the layer that is prepared now."""

    def __init__(self, peer: str, threads: int) -> None:
        self.peer = peer
        self.module = importlib.import_module(f"benchmarks.peers.side.{MODULES[peer]}")
        self.context = self.module.start(peer, threads)
        self.call: Callable[[], object] | None = None
        self.made: Any = None  # holds what the call needs

    def prepare(self, layer: dict[str, Any], folder: Path, ns: float) -> dict[str, Any]:
        """Builds every mode that the peer has, keeps the fastest, writes its result."""
        self.made = self.call = None
        groups, cin, cout = layer["groups"], layer["cin"], layer["cout"]
        w = np.fromfile(folder / "w.f32", np.float32).reshape(cout, layer["kh"], layer["kw"], cin // groups)
        b = np.fromfile(folder / "b.f32", np.float32)
        x = np.fromfile(folder / "x.f32", np.float32).reshape(layer["batch"], layer["h"], layer["w"], cin)
        best, taken, failed = None, float("inf"), []
        times = {}
        for name, make in self.module.modes(self.context, layer).items():
            try:
                made = make(w, b, x)
                for _ in range(3):
                    made.call()
                median = min(sample(made.call, ns)[0] for _ in range(3))
            except Exception as error:
                failed.append(f"{name}: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}")
                continue
            times[name] = median
            if median < taken:
                best, taken, mode = made, median, name
        if best is None:
            return {"ok": False, "reason": "; ".join(failed) or "not covered by this peer"}
        np.ascontiguousarray(best.output(), np.float32).tofile(folder / f"{self.peer}.f32")
        self.made, self.call = best, best.call
        conversion = sample(best.conversion, ns)[0] if best.conversion else 0.0
        return {"ok": True, "mode": mode, "modes": times, "conversion_ns": conversion, "failed": failed}

    def sample(self, ns: float) -> dict[str, Any]:
        """A sample of the prepared layer."""
        if self.call is None:
            return {"ok": False, "reason": "nothing is prepared"}
        median, calls = sample(self.call, ns)
        return {"ok": True, "ns": median, "calls": calls}


def main(peer: str, cpus: str, threads: str) -> None:
    """Serves until the input ends."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # libraries that print must not break the answers
    os.sched_setaffinity(0, {int(cpu) for cpu in cpus.split(",")})

    def answer(values: dict[str, Any]) -> None:
        answers.write(json.dumps(values) + "\n")

    try:
        side = Side(peer, int(threads))
    except Exception as error:
        traceback.print_exc()
        answer({"ok": False, "reason": f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"})
        return
    answer({"ok": True, "versions": side.module.versions(side.context)})
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["do"] == "prepare":
                answer(side.prepare(request["layer"], Path(request["folder"]), request["ns"]))
            else:
                answer(side.sample(request["ns"]))
        except Exception as error:
            traceback.print_exc()
            answer({"ok": False, "reason": f"{type(error).__name__}: {error}"})


if __name__ == "__main__":
    main(*sys.argv[1:])
