"""Input of a layer, its convolution in double precision, and how far a result may be from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.model.layer import Layer

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
_UNIT = 2.0**-24  # of rounding, f32
_ORDER = 2.0  # any order of additions, blocked sums included
WINOGRAD = 1e-3  # its transforms lose digits: share of the largest value


@dataclass(frozen=True)
class Reference:
    """``exact``: [batch][height][width][channels]; ``bound``: how far f32 may be from it, element by element."""

    exact: Doubles
    bound: Doubles

    def error(self, found: Floats, winograd: bool = False) -> float:
        """Largest distance as a share of what is allowed: over 1 is wrong. Infinity for NaN or a wrong size."""
        if found.size != self.exact.size:
            return float("inf")
        distance = np.abs(found.reshape(self.exact.shape).astype(np.float64) - self.exact)
        allowed = WINOGRAD * float(np.abs(self.exact).max()) if winograd else self.bound
        worst = float((distance / allowed).max())
        return worst if np.isfinite(worst) else float("inf")


def write_inputs(layer: Layer, folder: Path, seed: int) -> tuple[Floats, Floats, Floats]:
    """Weights (OHWI), bias and input (NHWC) in -1 .. 1, also as w.f32, b.f32 and x.f32 in ``folder``."""
    random = np.random.default_rng(seed)

    def numbers(*shape: int) -> Floats:
        return random.uniform(-1, 1, shape).astype(np.float32)

    w = numbers(layer.cout, layer.kh, layer.kw, layer.cin // layer.groups)
    b, x = numbers(layer.cout), numbers(layer.batch, layer.h, layer.w, layer.cin)
    for name, values in (("w", w), ("b", b), ("x", x)):
        values.tofile(folder / f"{name}.f32")
    return w, b, x


def convolve(layer: Layer, w: Floats, b: Floats, x: Floats) -> Reference:
    """In double, tap by tap; the bound is gamma(K+1) times the sum of absolute products: any order of f32 additions."""
    top, right, bottom, left = layer.pad
    padded = np.pad(x.astype(np.float64), ((0, 0), (top, bottom), (left, right), (0, 0)))
    exact = np.zeros((layer.batch, layer.out_h, layer.out_w, layer.cout))
    size = np.zeros_like(exact)
    (sv, sh), (dv, dh) = layer.stride, layer.dilation
    cin, cout = layer.cin // layer.groups, layer.cout // layer.groups
    for row in range(layer.kh):
        for column in range(layer.kw):
            seen = padded[:, row * dv :, column * dh :][:, : (layer.out_h - 1) * sv + 1 : sv]
            seen = seen[:, :, : (layer.out_w - 1) * sh + 1 : sh]
            for group in range(layer.groups):
                part = seen[..., group * cin : (group + 1) * cin]
                mine = slice(group * cout, (group + 1) * cout)
                taps = w[mine, row, column].astype(np.float64).T
                exact[..., mine] += part @ taps
                size[..., mine] += np.abs(part) @ np.abs(taps)
    terms = layer.kh * layer.kw * cin + 1
    bound = _ORDER * terms * _UNIT / (1 - terms * _UNIT) * (size + np.abs(b))
    return Reference(exact + b, bound)
