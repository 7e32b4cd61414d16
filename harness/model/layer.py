"""One convolution layer: its parameters, and what follows from them (sizes, work, category)."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, ClassVar, Literal, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    ValidationInfo,
    field_serializer,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from harness.model.variant import ELEMENT_BYTES, ElementType, Layout
from harness.model.wording import kind, shown

Category = Literal["1x1s1", "1x1s2", "larger", "grouped"]
CATEGORIES: tuple[Category, ...] = ("larger", "1x1s2", "1x1s1", "grouped")  # in the order of reports

CATEGORY_TITLES: dict[str, str] = {
    "larger": "larger kernels",
    "1x1s2": "1x1 stride 2",
    "1x1s1": "1x1 stride 1",
    "grouped": "grouped",
    "": "unknown category",
}

NAME = re.compile(r"[A-Za-z0-9_-]{1,95}\Z")
MAX_SIZE = 1 << 24  # of one dimension, as in convbench
MAX_VALUES = 1 << 44  # of one tensor, as in convbench: 64 TiB
_INT64 = (1 << 63) - 1
_FLOAT_MAX = 3.4028234663852886e38


def problem(message: str, remedy: str, *keys: str | int) -> PydanticCustomError:
    """A validation error that carries its remedy and the key it is about, for harness.model.source."""
    return PydanticCustomError("config", "{message}", {"message": message, "remedy": remedy, "keys": keys})


def check_name(name: str) -> str:
    """A name as suites, layers and policies may have; raises a validation error otherwise."""
    if not NAME.match(name):
        raise problem(f"{shown(name)} is not a valid name", "Use 1 to 95 letters, digits, '_' and '-'.")
    return name


class Layer(BaseModel):
    """A 2-D convolution. Channels are totals over all groups; sizes are in elements."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str
    h: int = Field(ge=1, le=MAX_SIZE)
    w: int = Field(ge=1, le=MAX_SIZE)
    kh: int = Field(ge=1, le=MAX_SIZE)
    kw: int = Field(ge=1, le=MAX_SIZE)
    pad: tuple[int, int, int, int] = (0, 0, 0, 0)  # top, right, bottom, left
    stride: tuple[int, int] = (1, 1)  # vertical, horizontal
    dilation: tuple[int, int] = (1, 1)
    groups: int = Field(default=1, ge=1, le=MAX_SIZE)
    batch: int = Field(default=1, ge=1, le=MAX_SIZE)
    cin: int = Field(ge=1, le=MAX_SIZE)
    cout: int = Field(ge=1, le=MAX_SIZE)
    min: float = -math.inf
    max: float = math.inf
    type: ElementType = "f32"
    layout: Layout = "nhwc"
    count: int = Field(default=1, ge=1, le=MAX_SIZE)  # how often the network has this shape

    EXTRA_KEYS: ClassVar[tuple[str, ...]] = ("macs",)

    @model_validator(mode="wrap")
    @classmethod
    def _check_macs(cls, data: Any, handler: ModelWrapValidatorHandler[Layer]) -> Layer:
        """``macs`` is no parameter but a check on the others: taken out here, then compared."""
        if not isinstance(data, dict) or "macs" not in data:
            return handler(data)
        given = data["macs"]
        layer = handler({key: value for key, value in data.items() if key != "macs"})
        if not isinstance(given, int) or isinstance(given, bool):
            raise problem(f"{kind(given)}, where a whole number is needed", "Write a whole number.", "macs")
        if given != layer.macs:
            raise problem(
                f"{shown(given)} given, but the other numbers make it {layer.macs}",
                "Correct the sizes, or take the key out.",
                "macs",
            )
        return layer

    @field_validator("name")
    @classmethod
    def _named(cls, value: str) -> str:
        return check_name(value)

    @field_validator("type", "layout", mode="before")
    @classmethod
    def _covered(cls, value: object, info: ValidationInfo) -> object:
        covered: tuple[str, ...] = get_args(ElementType if info.field_name == "type" else Layout)
        if value not in covered:
            raise problem(f"{shown(value)} is not covered", f"There is: {', '.join(covered)}.")
        return value

    @field_validator("pad", mode="before")
    @classmethod
    def _pad(cls, value: object) -> tuple[int, ...]:
        numbers = _numbers(value, (1, 2, 4), 0, "one number, [vertical, horizontal] or [top, right, bottom, left]")
        if len(numbers) == 4:
            return numbers
        vertical, horizontal = numbers[0], numbers[-1]
        return (vertical, horizontal, vertical, horizontal)

    @field_validator("stride", "dilation", mode="before")
    @classmethod
    def _axes(cls, value: object) -> tuple[int, ...]:
        numbers = _numbers(value, (1, 2), 1, "one number or [vertical, horizontal]")
        return (numbers[0], numbers[-1])

    @field_validator("min", "max", mode="before")
    @classmethod
    def _clamp(cls, value: object, info: ValidationInfo) -> object:
        if value is None:
            return -math.inf if info.field_name == "min" else math.inf
        if isinstance(value, int | float) and not isinstance(value, bool):
            if math.isnan(value):
                raise problem("not a number", "Give a number, or leave the key out for no clamp.")
            if abs(value) > _FLOAT_MAX and not (isinstance(value, float) and math.isinf(value)):
                raise problem(
                    f"{shown(value)} does not fit a 32-bit float", "Give a smaller number, or leave the key out."
                )
        return value

    @field_serializer("min", "max", when_used="json")
    def _clamp_json(self, value: float) -> float | None:
        """JSON has no infinity: no clamp is null."""
        return None if math.isinf(value) else value

    @model_validator(mode="after")
    def _consistent(self) -> Layer:
        if not self.min < self.max and not (self.min == self.max and math.isfinite(self.min)):
            raise problem(f"min {self.min} is over max {self.max}", "Swap them, or leave one out.", "min")
        for key, channels in (("cin", self.cin), ("cout", self.cout)):
            if channels % self.groups:
                raise problem(
                    f"{self.groups} groups do not divide {key} {channels}",
                    f"cin and cout are totals: make {key} a multiple of groups.",
                    "groups",
                )
        for key, size, kernel in (("kh", self.padded_h, self.kernel_h), ("kw", self.padded_w, self.kernel_w)):
            if kernel > size:
                raise problem(
                    f"the kernel covers {kernel} (with dilation), more than the padded input of {size}",
                    "Make the kernel or the dilation smaller, or the input or the padding larger.",
                    key,
                )
        for what, size, limit in self._sizes():
            if size > limit:
                raise problem(f"the {what} would be {size}: more than {limit}, an overflow", "Make the layer smaller.")
        return self

    def _sizes(self) -> list[tuple[str, int, int]]:
        pixels = self.batch * self.out_h * self.out_w
        taps = self.kh * self.kw
        return [
            ("input's values", self.batch * self.h * self.w * self.cin, MAX_VALUES),
            ("weights' values", taps * self.cin * self.cout // self.groups, MAX_VALUES),
            ("output's values", pixels * self.cout, MAX_VALUES),
            ("im2col matrix's bytes", ELEMENT_BYTES[self.type] * pixels * taps * self.cin, _INT64),
            ("pointer buffer's bytes", 8 * pixels * taps, _INT64),
            ("number of FLOP", self.flop, _INT64),
        ]

    @property
    def padded_h(self) -> int:
        """Input height with padding."""
        return self.h + self.pad[0] + self.pad[2]

    @property
    def padded_w(self) -> int:
        """Input width with padding."""
        return self.w + self.pad[1] + self.pad[3]

    @property
    def kernel_h(self) -> int:
        """Kernel height with dilation."""
        return (self.kh - 1) * self.dilation[0] + 1

    @property
    def kernel_w(self) -> int:
        """Kernel width with dilation."""
        return (self.kw - 1) * self.dilation[1] + 1

    @property
    def out_h(self) -> int:
        """Output height."""
        return (self.padded_h - self.kernel_h) // self.stride[0] + 1

    @property
    def out_w(self) -> int:
        """Output width."""
        return (self.padded_w - self.kernel_w) // self.stride[1] + 1

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one run, nominal (padding counted as work)."""
        return self.batch * self.out_h * self.out_w * self.kh * self.kw * self.cin * self.cout // self.groups

    @property
    def flop(self) -> int:
        """Two per multiply-accumulate."""
        return 2 * self.macs

    @property
    def category(self) -> Category:
        """The class that results are grouped by (docs/formats.md)."""
        if self.groups > 1:
            return "grouped"
        if self.kh > 1 or self.kw > 1:
            return "larger"
        return "1x1s1" if self.stride == (1, 1) else "1x1s2"

    @property
    def shape_key(self) -> tuple[object, ...]:
        """Everything that decides the work, without name and count: equal for equal shapes."""
        return (*self.unclamped_key, self.min, self.max)

    @property
    def unclamped_key(self) -> tuple[object, ...]:
        """The same without the clamp, which no choice of a kernel depends on."""
        sizes = (self.h, self.w, self.kh, self.kw, self.pad, self.stride, self.dilation)
        return (*sizes, self.groups, self.batch, self.cin, self.cout, self.type, self.layout)

    @property
    def text(self) -> str:
        """For people: ``56x56x64 → 64, 3x3 s2 p1``; only what is not the default."""
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


def _numbers(value: object, lengths: Sequence[int], least: int, forms: str) -> tuple[int, ...]:
    """The whole numbers of ``3`` or ``[3, 1]``; raises a validation error that names the allowed forms."""
    items = list(value) if isinstance(value, list | tuple) else [value]
    if len(items) not in lengths or (len(items) == 1 and isinstance(value, list | tuple)):
        raise problem(f"a list of {len(items)}", f"Write {forms}.")
    numbers: list[int] = []
    for item in items:
        if not isinstance(item, int) or isinstance(item, bool):
            raise problem(f"{kind(item)}, where a whole number is needed", f"Write {forms}.")
        if not least <= item <= MAX_SIZE:
            raise problem(f"{shown(item)} is not between {least} and {MAX_SIZE}", f"Write {forms}.")
        numbers.append(item)
    return tuple(numbers)
