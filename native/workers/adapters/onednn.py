"""oneDNN through torch, weights prepacked: in its blocked layout, or channels last.

Channels last, the input and the bias are the tensors themselves. The output is torch's own: neither function takes one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from worker import Layer, Tensors

from adapters.made import Data, Made, at
from adapters.torch_cpu import load

torch = load()


def versions() -> dict[str, str]:
    """torch's, and oneDNN's as torch tells it."""
    lines = [line.strip(" -") for line in torch.__config__.show().splitlines() if "MKL-DNN" in line]
    return {
        "torch": torch.__version__,
        "oneDNN": lines[0].split(" v")[-1].split(" ")[0] if lines else "unknown",
        "torch takes the CPU for": torch.backends.cpu.get_cpu_capability(),
    }


def modes(_peer: str, layer: Layer, data: Data, tensors: Tensors) -> dict[str, Callable[[], Made]]:
    """``opaque``: input and output in whatever layout oneDNN left them; ``nhwc``: channels last."""
    torch.set_num_threads(layer.threads)
    top, right, bottom, left = layer.pad
    if (top, left) != (bottom, right):
        return {}
    return {"opaque": lambda: _opaque(layer, data), "nhwc": lambda: _nhwc(layer, data, tensors)}


def _settings(layer: Layer) -> tuple[list[int], list[int], list[int], int]:
    return [layer.pad[0], layer.pad[3]], list(layer.stride), list(layer.dilation), layer.groups


def _nchw(x: Any) -> Any:
    return torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2)))


def _packed(layer: Layer, data: Data) -> Any:
    size = [layer.batch, layer.in_channels, layer.height, layer.width]
    return torch._C._nn.mkldnn_reorder_conv2d_weight(_nchw(data.w).to_mkldnn(), *_settings(layer), size)


def _nhwc(layer: Layer, data: Data, tensors: Tensors) -> Made:
    x = at(tensors.input, data.x.shape)
    x[...] = data.x
    given = torch.from_numpy(x).permute(0, 3, 1, 2)
    weight, bias = _packed(layer, data), torch.from_numpy(at(tensors.bias, data.b.shape))
    function, settings = torch.ops.mkldnn._convolution_pointwise.default, _settings(layer)

    def call() -> Any:
        return function(given, weight, bias, *settings, "none", [], "")

    return Made(call, lambda out: out.permute(0, 2, 3, 1).contiguous().numpy())


def _opaque(layer: Layer, data: Data) -> Made:
    given = _nchw(data.x).to_mkldnn()
    weight, bias = _packed(layer, data), torch.from_numpy(data.b).to_mkldnn()
    function, settings = torch.mkldnn_convolution, _settings(layer)

    def call() -> Any:
        return function(given, weight, bias, *settings)

    return Made(call, lambda out: out.to_dense().numpy().transpose(0, 2, 3, 1))
