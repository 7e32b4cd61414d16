"""onnxruntime: the blocked layout it prefers with the conversions cut off its own optimised graph, else NCHW.

Input and output lie where the tensors do, but where channels are padded to whole blocks.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from worker import Layer, Tensors

from adapters.made import Data, Made, at, laid

_LEVELS = onnxruntime.GraphOptimizationLevel
_PROVIDERS = ["CPUExecutionProvider"]


def versions() -> dict[str, str]:
    """onnxruntime's own."""
    return {"onnxruntime": onnxruntime.__version__}


def modes(_peer: str, layer: Layer, data: Data, tensors: Tensors) -> dict[str, Callable[[], Made]]:
    """``blocked``: conversions of layout outside; ``nchw``: whatever onnxruntime does with NCHW in and out."""
    return {
        "blocked": lambda: _blocked(layer, data, tensors),
        "nchw": lambda: _plain(layer, data, tensors, _LEVELS.ORT_ENABLE_BASIC),
        "nchw_all": lambda: _plain(layer, data, tensors, _LEVELS.ORT_ENABLE_ALL),
    }


def _options(layer: Layer, level: Any) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = layer.threads, 1
    options.graph_optimization_level = level
    options.log_severity_level = 3
    options.add_session_config_entry("session.force_spinning_stop", "1")  # no spinning while others are measured
    return options


def _model(layer: Layer, data: Data) -> bytes:
    top, right, bottom, left = layer.pad
    node = helper.make_node(
        "Conv",
        ["x", "w", "b"],
        ["y"],
        kernel_shape=list(layer.kernel),
        pads=[top, left, bottom, right],
        strides=list(layer.stride),
        dilations=list(layer.dilation),
        group=layer.groups,
    )
    weights = np.ascontiguousarray(data.w.transpose(0, 3, 1, 2))
    images = [layer.batch, layer.in_channels, layer.height, layer.width]
    graph = helper.make_graph(
        [node],
        "layer",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, images)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, list(_nchw(layer)))],
        [numpy_helper.from_array(weights, "w"), numpy_helper.from_array(data.b, "b")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    return bytes(model.SerializeToString())


def _nchw(layer: Layer, channels: int = 0) -> tuple[int, ...]:
    return (layer.batch, channels or layer.out_channels, layer.out_height, layer.out_width)


def _bound(session: Any, x: Any, out: Any, output: Callable[[Any], Any]) -> Made:
    binding = session.io_binding()
    given = onnxruntime.OrtValue.ortvalue_from_numpy(x)
    result = onnxruntime.OrtValue.ortvalue_from_numpy(out)
    binding.bind_ortvalue_input(session.get_inputs()[0].name, given)
    binding.bind_ortvalue_output(session.get_outputs()[0].name, result)
    run, inner = session._sess.run_with_iobinding, binding._iobinding
    return Made(lambda: run(inner, None), output, keep=(session, binding, given, result))


def _plain(layer: Layer, data: Data, tensors: Tensors, level: Any) -> Made:
    session = onnxruntime.InferenceSession(_model(layer, data), _options(layer, level), providers=_PROVIDERS)
    out = at(tensors.output, _nchw(layer))
    x = laid(tensors.input, data.x.transpose(0, 3, 1, 2))
    return _bound(session, x, out, lambda _: out.transpose(0, 2, 3, 1))


def _blocked(layer: Layer, data: Data, tensors: Tensors) -> Made:
    with tempfile.TemporaryDirectory() as folder:
        options = _options(layer, _LEVELS.ORT_ENABLE_ALL)
        options.optimized_model_filepath = str(Path(folder) / "optimised.onnx")
        onnxruntime.InferenceSession(_model(layer, data), options, providers=_PROVIDERS)
        optimised = onnx.load(options.optimized_model_filepath)
    graph = optimised.graph
    conv = [node for node in graph.node if node.op_type == "Conv"]
    before = [node for node in graph.node if node.op_type == "ReorderInput"]
    after = [node for node in graph.node if node.op_type == "ReorderOutput"]
    if len(conv) != 1 or conv[0].domain != "com.microsoft.nchwc" or len(after) != 1:
        raise ValueError("onnxruntime does not block this layer")
    block = _block()
    del graph.node[:]
    graph.node.append(conv[0])
    given = data.x.transpose(0, 3, 1, 2)
    if before:
        n, cin, *size = given.shape
        padded = np.zeros((n, -(-cin // block) * block, *size), np.float32)
        padded[:, :cin] = given
        blocks = padded.reshape(n, -1, block, *size).transpose(0, 1, 3, 4, 2)
        given = np.ascontiguousarray(blocks).reshape(padded.shape)
    channels = -(-layer.out_channels // block) * block
    shape = _nchw(layer, channels)
    out = at(tensors.output, shape) if channels == layer.out_channels else np.full(shape, np.nan, np.float32)
    del graph.input[:], graph.output[:], graph.value_info[:]
    graph.input.append(helper.make_tensor_value_info(conv[0].input[0], TensorProto.FLOAT, given.shape))
    graph.output.append(helper.make_tensor_value_info(conv[0].output[0], TensorProto.FLOAT, shape))
    options = _options(layer, _LEVELS.ORT_DISABLE_ALL)
    session = onnxruntime.InferenceSession(optimised.SerializeToString(), options, providers=_PROVIDERS)

    def output(_: Any) -> Any:
        n, _, height, width = shape
        values = out.reshape(n, channels // block, height, width, block).transpose(0, 2, 3, 1, 4)
        return values.reshape(n, height, width, channels)[..., : layer.out_channels]

    return _bound(session, laid(tensors.input, given), out, output)


def _block() -> int:
    """Channels per block: what the CPU has."""
    has_avx512 = "avx512f" in Path("/proc/cpuinfo").read_text() and "PEERS_NO_AVX512" not in os.environ
    return 16 if has_avx512 else 8
