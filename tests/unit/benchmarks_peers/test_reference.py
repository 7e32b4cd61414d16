"""The double-precision reference and its bound."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.peers.reference import convolve, write_inputs
from harness.model.layer import Layer

pytestmark = pytest.mark.unit

LAYERS = (
    Layer(name="padded", h=7, w=6, kh=3, kw=3, pad=(1, 0, 2, 1), cin=5, cout=4),
    Layer(name="strided", h=9, w=8, kh=3, kw=2, stride=(2, 3), dilation=(2, 1), cin=3, cout=2, batch=2),
    Layer(name="grouped", h=5, w=5, kh=3, kw=3, pad=(1, 1, 1, 1), groups=2, cin=4, cout=6),
)


def _by_loops(layer: Layer, w: np.ndarray, b: np.ndarray, x: np.ndarray) -> np.ndarray:
    out = np.zeros((layer.batch, layer.out_h, layer.out_w, layer.cout))
    cin, cout = layer.cin // layer.groups, layer.cout // layer.groups
    for n, i, j, c, p, q, k in np.ndindex(*out.shape, layer.kh, layer.kw, cin):
        row = i * layer.stride[0] + p * layer.dilation[0] - layer.pad[0]
        column = j * layer.stride[1] + q * layer.dilation[1] - layer.pad[3]
        if 0 <= row < layer.h and 0 <= column < layer.w:
            out[n, i, j, c] += float(x[n, row, column, c // cout * cin + k]) * float(w[c, p, q, k])
    out += b
    return out


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
def test_equals_the_loops_and_bounds_f32(layer: Layer, tmp_path: Path) -> None:
    w, b, x = write_inputs(layer, tmp_path, 1)
    found = convolve(layer, w, b, x)
    loops = _by_loops(layer, w, b, x)
    np.testing.assert_allclose(found.exact, loops, rtol=1e-12, atol=1e-12)
    assert found.error(loops.astype(np.float32)) <= 1
    wrong = loops.astype(np.float32)
    wrong[0, 0, 0, 0] += 1e-3
    assert found.error(wrong) > 1
    assert found.error(np.full(loops.shape, np.nan, np.float32)) == float("inf")
    assert found.error(wrong[..., :-1]) == float("inf")
    assert np.array_equal(np.fromfile(tmp_path / "x.f32", np.float32), x.ravel())
