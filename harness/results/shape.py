"""A layer's shape as the manifest holds it, and what follows from it. Lenient: a report never fails over a manifest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

CATEGORIES = ("larger", "1x1s2", "1x1s1", "grouped")
CATEGORY_TITLES = {
    "larger": "larger kernels",
    "1x1s2": "1x1 stride 2",
    "1x1s1": "1x1 stride 1",
    "grouped": "grouped",
    "": "unknown category",
}


@dataclass(frozen=True)
class Shape:
    """A convolution layer. Channels are totals; pad: top, right, bottom, left; other pairs: vertical, horizontal."""

    name: str
    h: int
    w: int
    kh: int
    kw: int
    cin: int
    cout: int
    pad: tuple[int, int, int, int] = (0, 0, 0, 0)
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1
    batch: int = 1
    clamp: tuple[object, object] = (None, None)

    @property
    def out_h(self) -> int:
        """Output height."""
        return (self.h + self.pad[0] + self.pad[2] - (self.kh - 1) * self.dilation[0] - 1) // self.stride[0] + 1

    @property
    def out_w(self) -> int:
        """Output width."""
        return (self.w + self.pad[1] + self.pad[3] - (self.kw - 1) * self.dilation[1] - 1) // self.stride[1] + 1

    @property
    def flop(self) -> int:
        """Nominal FLOP of one run: two per multiply-accumulate, padding counted as work."""
        taps = self.kh * self.kw
        return 2 * self.batch * self.out_h * self.out_w * taps * self.cin * self.cout // self.groups

    @property
    def category(self) -> str:
        """``1x1s1``, ``1x1s2`` (any 1x1 with a stride over 1), ``larger`` or ``grouped``."""
        if self.groups > 1:
            return "grouped"
        if self.kh > 1 or self.kw > 1:
            return "larger"
        return "1x1s1" if self.stride == (1, 1) else "1x1s2"

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for layers of equal work, whatever their names."""
        sizes = (self.h, self.w, self.kh, self.kw, self.cin, self.cout, self.pad, self.stride, self.dilation)
        return (*sizes, self.groups, self.batch, self.clamp)

    @property
    def text(self) -> str:
        """For people: ``56x56x64 -> 64, 3x3 s2 p1``; only what is not the default."""
        parts = [f"{self.kh}x{self.kw}"]
        for letter, value, default in (
            ("s", self.stride, (1, 1)),
            ("p", self.pad, (0, 0, 0, 0)),
            ("d", self.dilation, (1, 1)),
        ):
            if value != default:
                alike = len(set(value)) == 1
                parts.append(f"{letter}{value[0]}" if alike else f"{letter}{','.join(map(str, value))}")
        if self.groups > 1:
            parts.append(f"g{self.groups}")
        if self.batch > 1:
            parts.append(f"batch {self.batch}")
        return f"{self.h}x{self.w}x{self.cin} → {self.cout}, {' '.join(parts)}"


def shape_of(value: Mapping[str, Any]) -> Shape | None:
    """A shape from the manifest's JSON; None for something that is none."""
    try:
        shape = Shape(
            name=str(value["name"]),
            **{key: _natural(value[key]) for key in ("h", "w", "kh", "kw", "cin", "cout")},
            **{key: _natural(value.get(key, 1)) for key in ("groups", "batch")},
            pad=_sides(value.get("pad", 0)),
            stride=_axes(value.get("stride", 1)),
            dilation=_axes(value.get("dilation", 1)),
            clamp=(value.get("min"), value.get("max")),
        )
        return shape if shape.flop > 0 else None
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None


def _natural(value: Any) -> int:
    number = int(value)
    if number < 1:
        raise ValueError(value)
    return number


def _axes(value: Any) -> tuple[int, int]:
    items = value if isinstance(value, list | tuple) else [value]
    return (_natural(items[0]), _natural(items[-1]))


def _sides(value: Any) -> tuple[int, int, int, int]:
    items = [int(item) for item in (value if isinstance(value, list | tuple) else [value])]
    if len(items) == 4:
        return (items[0], items[1], items[2], items[3])
    return (items[0], items[-1], items[0], items[-1])
