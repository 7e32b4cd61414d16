"""torch's own im2col path (slow_conv2d with MKL's GEMM), oneDNN switched off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.peers.side.made import Made
from benchmarks.peers.side.torch_cpu import load

torch = load()


def start(_peer: str, threads: int) -> int:
    """Sets torch's threads."""
    torch.set_num_threads(threads)
    return threads


def versions(_threads: int) -> dict[str, str]:
    """torch's, and MKL's as torch tells it."""
    lines = [line for line in torch.__config__.show().splitlines() if "Math Kernel Library" in line]
    mkl = lines[0].split("Version ")[-1].split(" for ")[0] if lines else "no"
    return {"torch": torch.__version__, "MKL": mkl.replace("-Product Build", "")}


def modes(_threads: int, layer: dict[str, Any]) -> dict[str, Callable[..., Made]]:
    """NCHW, and channels last."""
    top, right, bottom, left = layer["pad"]
    if (top, left) != (bottom, right) or layer["groups"] != 1 or tuple(layer["dilation"]) != (1, 1):
        return {}
    return {
        "nchw": lambda w, b, x: _made(layer, w, b, x, torch.contiguous_format),
        "nhwc": lambda w, b, x: _made(layer, w, b, x, torch.channels_last),
    }


def _made(layer: dict[str, Any], w: Any, b: Any, x: Any, memory: Any) -> Made:
    def there(values: Any) -> Any:
        plain = torch.from_numpy(np.ascontiguousarray(values.transpose(0, 3, 1, 2)))
        return plain.contiguous(memory_format=memory)

    given, weight, bias = there(x), there(w), torch.from_numpy(b)
    top, _, _, left = layer["pad"]
    size, pad, stride = [layer["kh"], layer["kw"]], [top, left], list(layer["stride"])
    function = torch.ops.aten._slow_conv2d_forward.default

    def call() -> Any:
        return function(given, weight, size, bias, stride, pad)

    return Made(call, lambda: call().contiguous().numpy().transpose(0, 2, 3, 1))
