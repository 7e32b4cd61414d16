"""What an adapter is given of a layer, and what it makes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from worker import Layer, Tensors, View


@dataclass(frozen=True)
class Data:
    """The layer's values, apart from the tensors: where a library wants another layout, it is made from them."""

    x: Any  # [batch][height][width][channels]
    w: Any  # [channels out][height][width][channels in of a group]
    b: Any

    @classmethod
    def of(cls, layer: Layer, tensors: Tensors) -> Data:
        """A copy of the tensors' values."""
        images = (layer.batch, layer.height, layer.width, layer.in_channels)
        filters = (layer.out_channels, *layer.kernel, layer.in_channels // layer.groups)
        return cls(
            np.array(tensors.input, np.float32).reshape(images),
            np.array(tensors.weights, np.float32).reshape(filters),
            np.array(tensors.bias, np.float32),
        )


@dataclass
class Made:
    """A convolution ready to run.

    ``output`` makes [batch][height][width][channels] of what ``call`` returned and left. It is not timed.
    """

    call: Callable[[], Any]
    output: Callable[[Any], Any]
    keep: tuple[Any, ...] = ()  # what must live as long
    mode: str = ""
    last: Any = None  # what the last call returned


def at(view: View, shape: tuple[int, ...]) -> Any:
    """An array at the place of a tensor, which has as many values."""
    return np.frombuffer(view, np.float32).reshape(shape)


def laid(view: View, values: Any) -> Any:
    """The values in their own order: at the place of the tensor where there are as many, else elsewhere."""
    values = np.ascontiguousarray(values)
    if values.size != len(view):
        return values
    there = at(view, values.shape)
    there[...] = values
    return there
