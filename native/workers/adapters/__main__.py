"""A peer as a worker of convbench: ``python -m adapters PEER worker``; ``PEER versions`` tells them.

``worker`` is native/workers/worker.py, which the path has to have. A peer may compute a layer in several modes; the
fastest, by trial in each process anew, is what is measured there.
"""

from __future__ import annotations

import importlib
import json
import random
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from worker import Layer, Skip, Tensors, serve

from adapters.made import Data, Made

MODULES = {
    "xnnpack": "litert",
    "onnxruntime": "ort",
    "onednn": "onednn",
    "onednn_avx2": "onednn",
    "torch_im2col": "torch_im2col",
    "ncnn": "ncnn_layer",
    "ncnn_winograd": "ncnn_layer",
}
Modes = Mapping[str, Callable[[], Made]]
_TRIES = 3
_TRY_NS = 10e6
_JITTER = 4 << 20  # bytes
_SHIFTS = random.Random()  # noqa: S311 (of places in memory)


def fastest(modes: Modes) -> str:
    """The name of the mode with the fastest of its trials. Raises Skip where none works, with each one's reason."""
    taken: dict[str, float] = {}
    failed = []
    for name, make in modes.items():
        try:
            made = make()
            for _ in range(_TRIES):
                made.call()
            taken[name] = min(_median(made.call) for _ in range(_TRIES))
        except Exception as error:
            failed.append(f"{name}: {type(error).__name__}: {(str(error).splitlines() or [''])[0]}")
    if not taken:
        raise Skip("; ".join(failed) or "not covered by this peer")
    return min(taken, key=taken.__getitem__)


def _median(call: Callable[[], object]) -> float:
    times: list[float] = []
    while len(times) < _TRIES or sum(times) < _TRY_NS:
        start = time.perf_counter_ns()
        call()
        times.append(time.perf_counter_ns() - start)
    return sorted(times)[len(times) // 2]


class Adapter:
    """The three functions of a worker, and what they know of the layer."""

    def __init__(self, peer: str, modes: Callable[[str, Layer, Data, Tensors], Modes]) -> None:
        self.peer, self.modes = peer, modes
        self.data: tuple[Layer, Data] | None = None  # of the layer now; adapters may lay the input out anew
        self.chosen: dict[Layer, str] = {}

    def create(self, layer: Layer, tensors: Tensors) -> Made:
        """The layer in its fastest mode."""
        if (layer.output_min, layer.output_max) != (-np.inf, np.inf):
            raise Skip("a clamp is not covered by this adapter")
        shape = replace(layer, threads=1)
        if self.data is None or self.data[0] != shape:
            self.data = (shape, Data.of(layer, tensors))
        # What the library allocates itself lies behind this, so that its places change as those of the tensors do.
        shift = bytearray(_SHIFTS.randrange(_JITTER))
        modes = self.modes(self.peer, layer, self.data[1], tensors)
        if layer not in self.chosen:
            self.chosen[layer] = fastest(modes)
        made = modes[self.chosen[layer]]()
        made.mode, made.keep = self.chosen[layer], (*made.keep, shift)
        return made


def run(made: Made) -> None:
    """One call. What the one before left goes first, so that its memory can be taken again."""
    made.last = None
    made.last = made.call()


def read(made: Made) -> Any:
    """The last call's output, as the worker's tensors have it."""
    return np.ascontiguousarray(made.output(made.last), np.float32).data.cast("B")


def destroy(made: Made) -> None:
    """Lets go of everything."""
    made.keep, made.last = (), None


def main(peer: str, what: str) -> None:
    """Serves, or prints versions as JSON."""
    module = importlib.import_module(f"adapters.{MODULES[peer]}")
    if what == "versions":
        print(json.dumps(module.versions()))
        return
    sys.argv = [peer, what]
    adapter = Adapter(peer, module.modes)
    serve(adapter.create, run, destroy, read=read, kernel=lambda made: made.mode)


if __name__ == "__main__":
    main(*sys.argv[1:])
