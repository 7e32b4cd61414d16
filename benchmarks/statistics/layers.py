"""Layers by their working set, as a share of the L2 cache: short calls, so that a hundred of them fit a window."""

from __future__ import annotations

import math

import numpy as np

from harness.model.layer import Layer

_CHANNELS = (16, 24, 32)
_LARGEST_3X3 = 0.5  # of the L2: beyond, a call of a 3x3 layer would be long
_POINTER, _FLOAT = 8, 4  # bytes


def working_set(layer: Layer) -> int:
    """Bytes that a call of the indirect convolution touches: input, output, weights, pointers."""
    pixels, taps = layer.h * layer.w, layer.kh * layer.kw
    tensors = pixels * (layer.cin + layer.cout) + taps * layer.cin * layer.cout
    return tensors * _FLOAT + pixels * taps * _POINTER


def layer_of(name: str, share: float, channels: int, l2_bytes: int) -> Layer:
    """A layer of stride 1 whose working set is that share of the L2: 3x3 where it is small, else 1x1."""
    side = 3 if share <= _LARGEST_3X3 else 1
    weights = _FLOAT * side * side * channels * channels
    pixels = max(64.0, (share * l2_bytes - weights) / (2 * _FLOAT * channels + _POINTER * side * side))
    w = max(8, round(math.sqrt(pixels)))
    pad = side // 2
    return Layer(
        name=name, h=max(8, round(pixels / w)), w=w, kh=side, kw=side, pad=(pad,) * 4, cin=channels, cout=channels
    )


def layers(prefix: str, count: int, least: float, most: float, l2_bytes: int) -> list[Layer]:
    """Layers from ``least`` to ``most`` times the L2, evenly by the logarithm."""
    shares = np.geomspace(least, most, count).tolist()
    return [layer_of(f"{prefix}{n}", share, _CHANNELS[n % 3], l2_bytes) for n, share in enumerate(shares)]
