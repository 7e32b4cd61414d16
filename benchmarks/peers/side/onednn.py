"""oneDNN through torch, weights prepacked: in its blocked layout, or channels last."""

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
    """torch's, and oneDNN's as torch tells it."""
    lines = [line.strip(" -") for line in torch.__config__.show().splitlines() if "MKL-DNN" in line]
    return {
        "torch": torch.__version__,
        "oneDNN": lines[0].split(" v")[-1].split(" ")[0] if lines else "unknown",
        "torch takes the CPU for": torch.backends.cpu.get_cpu_capability(),
    }


def modes(_threads: int, layer: dict[str, Any]) -> dict[str, Callable[..., Made]]:
    """``opaque``: input and output in whatever layout oneDNN left them; ``nhwc``: channels last."""
    top, right, bottom, left = layer["pad"]
    if (top, left) != (bottom, right):
        return {}
    return {
        "opaque": lambda w, b, x: _opaque(layer, w, b, x),
        "nhwc": lambda w, b, x: _nhwc(layer, w, b, x),
    }


def _nchw(x: Any) -> Any:
    return torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2)))


def _packed(layer: dict[str, Any], w: Any, size: list[int]) -> Any:
    top, _, _, left = layer["pad"]
    return torch._C._nn.mkldnn_reorder_conv2d_weight(
        _nchw(w).to_mkldnn(), [top, left], list(layer["stride"]), list(layer["dilation"]), layer["groups"], size
    )


def _call(layer: dict[str, Any], given: Any, weight: Any, bias: Any) -> Callable[[], Any]:
    top, _, _, left = layer["pad"]
    pad, stride, dilation, groups = [top, left], list(layer["stride"]), list(layer["dilation"]), layer["groups"]
    function = torch.ops.mkldnn._convolution_pointwise.default

    def call() -> Any:
        return function(given, weight, bias, pad, stride, dilation, groups, "none", [], "")

    return call


def _nhwc(layer: dict[str, Any], w: Any, b: Any, x: Any) -> Made:
    given = _nchw(x).to(memory_format=torch.channels_last)
    call = _call(layer, given, _packed(layer, w, list(given.shape)), torch.from_numpy(b))
    return Made(call, lambda: call().contiguous().numpy().transpose(0, 2, 3, 1))


def _opaque(layer: dict[str, Any], w: Any, b: Any, x: Any) -> Made:
    given = _nchw(x).to_mkldnn()
    top, _, _, left = layer["pad"]
    weight, bias = _packed(layer, w, list(given.shape)), torch.from_numpy(b).to_mkldnn()
    pad, stride, dilation, groups = [top, left], list(layer["stride"]), list(layer["dilation"]), layer["groups"]
    function = torch.mkldnn_convolution

    def call() -> Any:
        return function(given, weight, bias, pad, stride, dilation, groups)

    return Made(call, lambda: call().to_dense().numpy().transpose(0, 2, 3, 1))
