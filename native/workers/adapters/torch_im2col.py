"""torch's own im2col path (slow_conv2d with MKL's GEMM), oneDNN left out. Input, bias and output are the tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from worker import Layer, Tensors

from adapters.made import Data, Made, at, laid
from adapters.torch_cpu import load

torch = load()


def versions() -> dict[str, str]:
    """torch's, and MKL's as torch tells it."""
    lines = [line for line in torch.__config__.show().splitlines() if "Math Kernel Library" in line]
    mkl = lines[0].split("Version ")[-1].split(" for ")[0] if lines else "no"
    return {"torch": torch.__version__, "MKL": mkl.replace("-Product Build", "")}


def modes(_peer: str, layer: Layer, data: Data, tensors: Tensors) -> dict[str, Callable[[], Made]]:
    """NCHW, and channels last."""
    torch.set_num_threads(layer.threads)
    top, right, bottom, left = layer.pad
    if (top, left) != (bottom, right) or layer.groups != 1 or layer.dilation != (1, 1):
        return {}
    return {"nchw": lambda: _made(layer, data, tensors, False), "nhwc": lambda: _made(layer, data, tensors, True)}


def _made(layer: Layer, data: Data, tensors: Tensors, last: bool) -> Made:
    memory = torch.channels_last if last else torch.contiguous_format
    n, height, width, channels = layer.batch, layer.out_height, layer.out_width, layer.out_channels
    if last:
        given = torch.from_numpy(laid(tensors.input, data.x)).permute(0, 3, 1, 2)
        out = torch.from_numpy(at(tensors.output, (n, height, width, channels))).permute(0, 3, 1, 2)
    else:
        given = torch.from_numpy(laid(tensors.input, data.x.transpose(0, 3, 1, 2)))
        out = torch.from_numpy(at(tensors.output, (n, channels, height, width)))
    weight = torch.from_numpy(np.ascontiguousarray(data.w.transpose(0, 3, 1, 2))).contiguous(memory_format=memory)
    bias = torch.from_numpy(at(tensors.bias, data.b.shape))
    size, stride, pad = list(layer.kernel), list(layer.stride), [layer.pad[0], layer.pad[3]]
    function = torch.ops.aten._slow_conv2d_forward.output

    def call() -> Any:
        return function(given, weight, size, bias, stride, pad, output=out)

    return Made(call, lambda found: found.permute(0, 2, 3, 1).contiguous().numpy())
