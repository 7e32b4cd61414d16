"""onnxruntime: the blocked layout it prefers with the conversions cut off its own optimised graph, else NCHW."""

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

from benchmarks.peers.side.made import Made

_LEVELS = onnxruntime.GraphOptimizationLevel


def start(_peer: str, threads: int) -> int:
    """The number of threads is all that is kept."""
    return threads


def versions(_threads: int) -> dict[str, str]:
    """onnxruntime's own."""
    return {"onnxruntime": onnxruntime.__version__}


def modes(threads: int, layer: dict[str, Any]) -> dict[str, Callable[..., Made]]:
    """``blocked``: conversions of layout outside; ``nchw``: whatever onnxruntime does with NCHW in and out."""
    return {
        "blocked": lambda w, b, x: _blocked(threads, layer, w, b, x),
        "nchw": lambda w, b, x: _plain(threads, layer, w, b, x, _LEVELS.ORT_ENABLE_BASIC),
        "nchw_all": lambda w, b, x: _plain(threads, layer, w, b, x, _LEVELS.ORT_ENABLE_ALL),
    }


def _options(threads: int, level: Any) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.graph_optimization_level = level
    options.log_severity_level = 3
    options.add_session_config_entry("session.force_spinning_stop", "1")  # no spinning while others are measured
    return options


def _model(layer: dict[str, Any], w: Any, b: Any, shape: tuple[int, ...]) -> Any:
    top, right, bottom, left = layer["pad"]
    node = helper.make_node(
        "Conv",
        ["x", "w", "b"],
        ["y"],
        kernel_shape=[layer["kh"], layer["kw"]],
        pads=[top, left, bottom, right],
        strides=list(layer["stride"]),
        dilations=list(layer["dilation"]),
        group=layer["groups"],
    )
    n, h, width, c = shape
    out = [n, layer["cout"], layer["out_h"], layer["out_w"]]
    graph = helper.make_graph(
        [node],
        "layer",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [n, c, h, width])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, out)],
        [
            numpy_helper.from_array(np.ascontiguousarray(w.transpose(0, 3, 1, 2)), "w"),
            numpy_helper.from_array(b, "b"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    return model


def _bound(session: Any, x: Any, out: tuple[int, ...]) -> tuple[Callable[[], object], Any, tuple[Any, ...]]:
    binding = session.io_binding()
    given = onnxruntime.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(x))
    result = onnxruntime.OrtValue.ortvalue_from_numpy(np.zeros(out, np.float32))
    binding.bind_ortvalue_input(session.get_inputs()[0].name, given)
    binding.bind_ortvalue_output(session.get_outputs()[0].name, result)
    run = session._sess.run_with_iobinding
    inner = binding._iobinding
    return lambda: run(inner, None), result, (session, binding, given)


def _plain(threads: int, layer: dict[str, Any], w: Any, b: Any, x: Any, level: Any) -> Made:
    model = _model(layer, w, b, x.shape)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), _options(threads, level), providers=["CPUExecutionProvider"]
    )
    shape = (x.shape[0], layer["cout"], layer["out_h"], layer["out_w"])
    call, result, keep = _bound(session, x.transpose(0, 3, 1, 2), shape)
    return Made(call, lambda: result.numpy().transpose(0, 2, 3, 1), keep=keep)


def _blocked(threads: int, layer: dict[str, Any], w: Any, b: Any, x: Any) -> Made:
    with tempfile.TemporaryDirectory() as folder:
        options = _options(threads, _LEVELS.ORT_ENABLE_ALL)
        options.optimized_model_filepath = str(Path(folder) / "optimised.onnx")
        model = _model(layer, w, b, x.shape).SerializeToString()
        onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        optimised = onnx.load(options.optimized_model_filepath)
    graph = optimised.graph
    conv = [node for node in graph.node if node.op_type == "Conv"]
    before = [node for node in graph.node if node.op_type == "ReorderInput"]
    after = [node for node in graph.node if node.op_type == "ReorderOutput"]
    if len(conv) != 1 or conv[0].domain != "com.microsoft.nchwc" or len(after) != 1:
        raise ValueError("onnxruntime does not block this layer")
    block = _block(graph, conv[0], layer)
    del graph.node[:]
    graph.node.append(conv[0])
    n, cin = x.shape[0], x.shape[3]
    given = x.transpose(0, 3, 1, 2)
    if before:
        padded = np.zeros((n, -(-cin // block) * block, *x.shape[1:3]), np.float32)
        padded[:, :cin] = given
        blocks = padded.reshape(n, -1, block, *x.shape[1:3]).transpose(0, 1, 3, 4, 2)
        given = np.ascontiguousarray(blocks).reshape(padded.shape)
    channels = -(-layer["cout"] // block) * block
    out = (n, channels, layer["out_h"], layer["out_w"])
    del graph.input[:], graph.output[:], graph.value_info[:]
    graph.input.append(helper.make_tensor_value_info(conv[0].input[0], TensorProto.FLOAT, given.shape))
    graph.output.append(helper.make_tensor_value_info(conv[0].output[0], TensorProto.FLOAT, out))
    session = onnxruntime.InferenceSession(
        optimised.SerializeToString(), _options(threads, _LEVELS.ORT_DISABLE_ALL), providers=["CPUExecutionProvider"]
    )
    call, result, keep = _bound(session, given, out)

    def output() -> Any:
        values = result.numpy().reshape(n, channels // block, layer["out_h"], layer["out_w"], block)
        return values.transpose(0, 2, 3, 1, 4).reshape(n, layer["out_h"], layer["out_w"], channels)[
            ..., : layer["cout"]
        ]

    return Made(call, output, keep=keep)


def _block(graph: Any, conv: Any, layer: dict[str, Any]) -> int:
    """Channels per block: what the reordered weights are padded to tells it, else what the CPU has."""
    del graph, conv, layer
    has_avx512 = "avx512f" in Path("/proc/cpuinfo").read_text() and "PEERS_NO_AVX512" not in os.environ
    return 16 if has_avx512 else 8
