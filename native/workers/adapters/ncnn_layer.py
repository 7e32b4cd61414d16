"""ncnn's Convolution, input and output in its packed layout, so that the network converts nothing.

The packed input lies where the tensor does; the output where ncnn's allocator puts it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ncnn
import numpy as np
from worker import Layer, Tensors

from adapters.made import Data, Made, laid

_AS_IT_IS = 1  # extract() leaves the packing alone


def versions() -> dict[str, str]:
    """ncnn's own."""
    return {"ncnn": ncnn.__version__}


def modes(peer: str, layer: Layer, data: Data, tensors: Tensors) -> dict[str, Callable[[], Made]]:
    """Packed 16, 8 or 4 as the channels allow, and with its direct code instead of im2col + GEMM."""
    ncnn.set_omp_num_threads(layer.threads)
    if layer.groups != 1 or layer.batch != 1:
        return {}
    pack = next(pack for pack in (16, 8, 4, 1) if layer.in_channels % pack == 0)
    winograd = peer == "ncnn_winograd"
    return {
        f"pack{pack}": lambda: _made(winograd, layer, pack, True, data, tensors),
        f"pack{pack}_direct": lambda: _made(winograd, layer, pack, False, data, tensors),
    }


def _set(option: Any, winograd: bool, threads: int, gemm: bool) -> None:
    option.num_threads = threads
    option.use_vulkan_compute = False
    option.use_packing_layout = True
    option.use_sgemm_convolution = gemm
    for name in ("winograd", "winograd23", "winograd43", "winograd63"):
        setattr(option, f"use_{name}_convolution", winograd)
    for name in ("bf16_storage", "bf16_packed", "fp16_storage", "fp16_packed", "fp16_arithmetic"):
        setattr(option, f"use_{name}", False)


def _net(winograd: bool, layer: Layer, gemm: bool, data: Data) -> Any:
    top, right, bottom, left = layer.pad
    (sv, sh), (dv, dh) = layer.stride, layer.dilation
    net = ncnn.Net()
    _set(net.opt, winograd, layer.threads, gemm)
    parameters = (
        f"0={layer.out_channels} 1={layer.kernel[1]} 11={layer.kernel[0]} 2={dh} 12={dv} 3={sh} 13={sv} 4={left} "
        f"15={right} 14={top} 16={bottom} 5=1 6={data.w.size}"
    )
    text = f"7767517\n2 2\nInput x 0 1 x\nConvolution y 1 1 x y {parameters}\n"
    with tempfile.TemporaryDirectory() as folder:
        file, model = Path(folder) / "layer.param", Path(folder) / "layer.bin"
        file.write_text(text)
        weights = np.ascontiguousarray(data.w.transpose(0, 3, 1, 2))
        model.write_bytes(bytes(4) + weights.tobytes() + data.b.tobytes())  # a zero tag: plain f32
        if net.load_param(str(file)) or net.load_model(str(model)):
            raise ValueError("ncnn does not load the layer")
    return net


def _input(layer: Layer, pack: int, data: Data, tensors: Tensors) -> tuple[Any, Any]:
    """A Mat, and the array that it looks at without keeping it."""
    height, width, channels = data.x.shape[1:]
    blocks = laid(tensors.input, data.x[0].reshape(height, width, channels // pack, pack).transpose(2, 0, 1, 3))
    found = ncnn.Mat(blocks.reshape(channels // pack, height, width * pack))
    if pack > 1:  # a Mat of one value an element becomes one of `pack`
        found.w, found.elemsize, found.elempack, found.cstep = width, 4 * pack, pack, width * height
        return found, blocks
    return found.clone(), blocks  # its channels begin at multiples of 16 bytes, which those of the tensor need not


def _made(winograd: bool, layer: Layer, pack: int, gemm: bool, data: Data, tensors: Tensors) -> Made:
    net = _net(winograd, layer, gemm, data)
    given, blocks = _input(layer, pack, data, tensors)

    def call() -> Any:
        extractor = net.create_extractor()
        extractor.input("x", given)
        failed, out = extractor.extract("y", _AS_IT_IS)
        if failed:
            raise ValueError("ncnn fails on the layer")
        return out

    def output(out: Any) -> Any:
        return np.array(ncnn.convert_packing(out, 1, net.opt))[None].transpose(0, 2, 3, 1)

    return Made(call, output, keep=(net, given, blocks))
