"""ncnn's Convolution, input and output in its packed layout, so that the network converts nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ncnn
import numpy as np

from benchmarks.peers.side.made import Made

_AS_IT_IS = 1  # extract() leaves the packing alone
Context = tuple[bool, int]  # Winograd allowed, threads


def start(peer: str, threads: int) -> Context:
    """Whether Winograd is allowed goes by the peer's name."""
    ncnn.set_omp_num_threads(threads)
    return peer == "ncnn_winograd", threads


def versions(_context: Context) -> dict[str, str]:
    """ncnn's own."""
    return {"ncnn": ncnn.__version__}


def modes(context: Context, layer: dict[str, Any]) -> dict[str, Callable[..., Made]]:
    """Packed 16, 8 or 4 as the channels allow, and with its direct code instead of im2col + GEMM."""
    if layer["groups"] != 1 or layer["batch"] != 1:
        return {}
    found = {}
    for pack in (16, 8, 4, 1):
        if layer["cin"] % pack == 0:
            found[f"pack{pack}"] = _with(context, layer, pack, True)
            found[f"pack{pack}_direct"] = _with(context, layer, pack, False)
            break
    return found


def _with(context: Context, layer: dict[str, Any], pack: int, gemm: bool) -> Callable[..., Made]:
    return lambda w, b, x: _made(context, layer, pack, gemm, w, b, x)


def _set(option: Any, context: Context, gemm: bool) -> None:
    winograd, threads = context
    option.num_threads = threads
    option.use_vulkan_compute = False
    option.use_packing_layout = True
    option.use_sgemm_convolution = gemm
    for name in ("winograd", "winograd23", "winograd43", "winograd63"):
        setattr(option, f"use_{name}_convolution", winograd)
    for name in ("bf16_storage", "bf16_packed", "fp16_storage", "fp16_packed", "fp16_arithmetic"):
        setattr(option, f"use_{name}", False)


def _made(context: Context, layer: dict[str, Any], pack: int, gemm: bool, w: Any, b: Any, x: Any) -> Made:
    top, right, bottom, left = layer["pad"]
    (sv, sh), (dv, dh) = layer["stride"], layer["dilation"]
    net = ncnn.Net()
    _set(net.opt, context, gemm)
    parameters = (
        f"0={layer['cout']} 1={layer['kw']} 11={layer['kh']} 2={dh} 12={dv} 3={sh} 13={sv} 4={left} 15={right} "
        f"14={top} 16={bottom} 5=1 6={w.size}"
    )
    text = f"7767517\n2 2\nInput x 0 1 x\nConvolution y 1 1 x y {parameters}\n"
    with tempfile.TemporaryDirectory() as folder:
        file, model = Path(folder) / "layer.param", Path(folder) / "layer.bin"
        file.write_text(text)
        weights = np.ascontiguousarray(w.transpose(0, 3, 1, 2))
        model.write_bytes(bytes(4) + weights.tobytes() + b.tobytes())  # a zero tag: plain f32
        if net.load_param(str(file)) or net.load_model(str(model)):
            raise ValueError("ncnn does not load the layer")
    plain = np.ascontiguousarray(x[0].transpose(2, 0, 1))  # a Mat does not keep the array it looks at
    given = ncnn.convert_packing(ncnn.Mat(plain).clone(), pack, net.opt)

    def call() -> Any:
        extractor = net.create_extractor()
        extractor.input("x", given)
        failed, out = extractor.extract("y", _AS_IT_IS)
        if failed:
            raise ValueError("ncnn fails on the layer")
        return out

    def output() -> Any:
        out = ncnn.convert_packing(call(), 1, net.opt)
        return np.array(out)[None].transpose(0, 2, 3, 1)

    return Made(call, output, keep=(net, given, plain))
