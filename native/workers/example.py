#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A library of one function, and the three that make a worker of it.

harness run --worker example=example.py,worker.py
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from operator import mul
from typing import Any

from worker import Layer, Skip, Tensors, serve

try:
    import numpy
except ImportError:  # then each product is one of Python's own: for small layers
    numpy = None  # type: ignore[assignment]


@dataclass
class Convolution:
    """A layer with its tensors: flat views, or arrays of NumPy."""

    layer: Layer
    tensors: Tensors
    arrays: tuple[Any, ...] = ()


def create(layer: Layer, tensors: Tensors) -> Convolution:
    """Lays the weights out as products of matrices want them, and makes room for the padded input."""
    if layer.groups > 1 and numpy:
        raise Skip("groups are not covered with NumPy")
    made = Convolution(layer, tensors)
    if numpy:
        top, right, bottom, left = layer.pad
        images = (layer.batch, layer.height, layer.width, layer.in_channels)
        x = numpy.frombuffer(tensors.input, "f4").reshape(images)
        w = numpy.frombuffer(tensors.weights, "f4").reshape(layer.out_channels, *layer.kernel, layer.in_channels)
        out = numpy.frombuffer(tensors.output, "f4").reshape(*images[:1], layer.out_height, layer.out_width, -1)
        padded = numpy.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))
        inner = padded[:, top : top + layer.height, left : left + layer.width]
        by_tap = numpy.ascontiguousarray(w.transpose(1, 2, 3, 0))
        made.arrays = (x, inner, padded, by_tap, numpy.frombuffer(tensors.bias, "f4"), out)
    return made


def run(made: Convolution) -> None:
    """Convolves: a product of matrices for each tap, or as the definition has it."""
    (_products if numpy else _plain)(made)


def destroy(made: Convolution) -> None:
    """Lets go of the tensors."""
    made.arrays = ()


def _products(made: Convolution) -> None:
    layer, (x, inner, padded, by_tap, bias, out) = made.layer, made.arrays
    (sh, sw), (dh, dw), (rows, columns) = layer.stride, layer.dilation, out.shape[1:3]
    inner[...] = x
    out[...] = bias
    for ky, kx in product(range(layer.kernel[0]), range(layer.kernel[1])):
        y, z = ky * dh, kx * dw
        out += padded[:, y : y + (rows - 1) * sh + 1 : sh, z : z + (columns - 1) * sw + 1 : sw] @ by_tap[ky, kx]
    numpy.clip(out, layer.output_min, layer.output_max, out=out)


def _plain(made: Convolution) -> None:
    layer, t = made.layer, made.tensors
    (sh, sw), (dh, dw), (top, _, _, left) = layer.stride, layer.dilation, layer.pad
    depth, group = layer.in_channels // layer.groups, layer.out_channels // layer.groups
    outputs = product(range(layer.batch), range(layer.out_height), range(layer.out_width), range(layer.out_channels))
    for at, (n, row, column, channel) in enumerate(outputs):
        total = t.bias[channel]
        for ky, kx in product(range(layer.kernel[0]), range(layer.kernel[1])):
            y, x = row * sh + ky * dh - top, column * sw + kx * dw - left
            if 0 <= y < layer.height and 0 <= x < layer.width:
                a = ((n * layer.height + y) * layer.width + x) * layer.in_channels + channel // group * depth
                b = ((channel * layer.kernel[0] + ky) * layer.kernel[1] + kx) * depth
                total += sum(map(mul, t.input[a : a + depth], t.weights[b : b + depth]))
        t.output[at] = min(max(total, layer.output_min), layer.output_max)


if __name__ == "__main__":
    serve(create, run, destroy)
