"""XNNPACK through LiteRT: NHWC as it is, weights packed when the delegate takes the graph.

Input and output lie in the interpreter's arena, which it makes anew for each object: from Python no other place can be
given to it.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from worker import Layer, Tensors

from adapters.made import Data, Made


def versions() -> dict[str, str]:
    """LiteRT's version; it does not tell XNNPACK's."""
    return {"ai-edge-litert": version("ai-edge-litert")}


def modes(_peer: str, layer: Layer, data: Data, _tensors: Tensors) -> dict[str, Callable[[], Made]]:
    """One mode: the padding as SAME where that means the same, else a PAD that the delegate fuses."""
    if layer.groups != 1 and not _is_depthwise(layer):
        return {}
    return {"nhwc": lambda: _made(layer, data)}


def _is_depthwise(layer: Layer) -> bool:
    return layer.groups == layer.in_channels == layer.out_channels > 1


def _same(layer: Layer) -> bool:
    def both(size: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
        total = max(0, ((size + stride - 1) // stride - 1) * stride + (kernel - 1) * dilation + 1 - size)
        return total // 2, total - total // 2

    sizes = zip((layer.height, layer.width), layer.kernel, layer.stride, layer.dilation, strict=True)
    (top, bottom), (left, right) = (both(*each) for each in sizes)
    return layer.pad == (top, right, bottom, left)


def _made(layer: Layer, data: Data) -> Made:
    interpreter = Interpreter(model_content=_model(layer, data.w, data.b, data.x.shape), num_threads=layer.threads)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], data.x)
    out = interpreter.get_output_details()[0]["index"]
    return Made(interpreter.invoke, lambda _: interpreter.get_tensor(out), keep=(interpreter,))


def _model(layer: Layer, w: Any, b: Any, shape: tuple[int, ...]) -> bytes:
    top, right, bottom, left = layer.pad
    same = _same(layer)
    padded = not same and any(layer.pad)
    model = schema.ModelT()
    model.version = 3
    buffers = [schema.BufferT()]
    graph = schema.SubGraphT()
    graph.tensors, graph.operators = [], []

    def tensor(size: tuple[int, ...], kind: int = schema.TensorType.FLOAT32, data: Any = None) -> int:
        made = schema.TensorT()
        made.shape, made.type, made.buffer = list(size), kind, 0
        made.name = f"t{len(graph.tensors)}"
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
            buffers.append(buffer)
            made.buffer = len(buffers) - 1
        graph.tensors.append(made)
        return len(graph.tensors) - 1

    def operator(code: int, inputs: list[int], output: int, kind: int, options: Any) -> None:
        made = schema.OperatorT()
        made.opcodeIndex, made.inputs, made.outputs = code, inputs, [output]
        made.builtinOptionsType, made.builtinOptions = kind, options
        graph.operators.append(made)

    source = given = tensor(shape)
    if padded:
        pads = np.array([[0, 0], [top, bottom], [left, right], [0, 0]], np.int32)
        where = tensor((4, 2), schema.TensorType.INT32, pads)
        source = tensor((shape[0], shape[1] + top + bottom, shape[2] + left + right, shape[3]))
        operator(1, [given, where], source, schema.BuiltinOptions.PadOptions, schema.PadOptionsT())
    depthwise = _is_depthwise(layer)
    options = schema.DepthwiseConv2DOptionsT() if depthwise else schema.Conv2DOptionsT()
    options.padding = schema.Padding.SAME if same else schema.Padding.VALID
    options.strideH, options.strideW = layer.stride
    options.dilationHFactor, options.dilationWFactor = layer.dilation
    if depthwise:
        options.depthMultiplier, w = 1, w.transpose(3, 1, 2, 0)  # one row of all channels for each tap
    out = tensor((shape[0], layer.out_height, layer.out_width, layer.out_channels))
    weights, bias = tensor(w.shape, data=w), tensor(b.shape, data=b)
    kinds = (schema.BuiltinOptions.Conv2DOptions, schema.BuiltinOptions.DepthwiseConv2DOptions)
    operator(0, [source, weights, bias], out, kinds[depthwise], options)
    graph.inputs, graph.outputs = [given], [out]
    codes = []
    operators = schema.BuiltinOperator
    for code in (operators.DEPTHWISE_CONV_2D if depthwise else operators.CONV_2D, operators.PAD):
        made = schema.OperatorCodeT()
        made.builtinCode = made.deprecatedBuiltinCode = code
        made.version = 1
        codes.append(made)
    model.operatorCodes, model.subgraphs, model.buffers = codes, [graph], buffers
    builder = flatbuffers.Builder(w.nbytes + 4096)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
