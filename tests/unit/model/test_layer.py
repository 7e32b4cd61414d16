"""Layers: sizes, work, category; formulas against counting; arbitrary input gives a suite or a UsageError."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.model.layer import Layer
from harness.model.suite import Suite, load_suite

pytestmark = pytest.mark.unit

SMALL = {"name": "a", "h": 8, "w": 9, "kh": 3, "kw": 2, "cin": 4, "cout": 6}


def layer(**changes: Any) -> Layer:
    return Layer.model_validate({**SMALL, **changes})


@pytest.mark.parametrize(
    ("changes", "category"),
    [
        ({"kh": 1, "kw": 1}, "1x1s1"),
        ({"kh": 1, "kw": 1, "pad": 1}, "1x1s1"),
        ({"kh": 1, "kw": 1, "stride": 2}, "1x1s2"),
        ({"kh": 1, "kw": 1, "stride": [1, 2]}, "1x1s2"),
        ({"kh": 1, "kw": 1, "stride": 3}, "1x1s2"),
        ({}, "larger"),
        ({"kh": 1, "kw": 2}, "larger"),
        ({"groups": 2}, "grouped"),
        ({"kh": 1, "kw": 1, "groups": 2}, "grouped"),
    ],
)
def test_category(changes: dict[str, Any], category: str) -> None:
    assert layer(**changes).category == category


@pytest.mark.parametrize(
    ("given_pad", "pad"),
    [(2, (2, 2, 2, 2)), ([1, 2], (1, 2, 1, 2)), ([1, 2, 3, 4], (1, 2, 3, 4)), ([0, 0], (0, 0, 0, 0))],
)
def test_pad_forms(given_pad: Any, pad: tuple[int, ...]) -> None:
    assert layer(pad=given_pad).pad == pad


def test_axis_forms_and_clamp() -> None:
    made = layer(stride=[2, 1], dilation=2, min=None, max=6)
    assert (made.stride, made.dilation, made.min, made.max) == ((2, 1), (2, 2), -math.inf, 6.0)
    assert layer(min=1, max=1).min == 1
    with pytest.raises(ValueError, match="is over max"):
        layer(min=math.inf)


def test_shape_key_ignores_name_and_count() -> None:
    assert layer(name="b", count=3).shape_key == layer().shape_key
    for other in ({"h": 9}, {"pad": [0, 0, 0, 1]}, {"stride": [1, 2]}, {"min": 0}, {"batch": 2}, {"cout": 8}):
        assert layer(**other).shape_key != layer().shape_key


@given(
    size=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    kernel=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    pad=st.tuples(*[st.integers(0, 3)] * 4),
    stride=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    dilation=st.tuples(st.integers(1, 3), st.integers(1, 3)),
)
def test_output_size_by_counting(
    size: tuple[int, int],
    kernel: tuple[int, int],
    pad: tuple[int, int, int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
) -> None:
    def count(n: int, k: int, before: int, after: int, step: int, gap: int) -> int:
        return sum(start + (k - 1) * gap < n + before + after for start in range(0, n + before + after, step))

    out_h = count(size[0], kernel[0], pad[0], pad[2], stride[0], dilation[0])
    out_w = count(size[1], kernel[1], pad[3], pad[1], stride[1], dilation[1])
    changes = {"h": size[0], "w": size[1], "kh": kernel[0], "kw": kernel[1]}
    data = {**SMALL, **changes, "pad": pad, "stride": stride, "dilation": dilation, "groups": 2, "batch": 3}
    if not (out_h and out_w):
        with pytest.raises(ValueError, match="the kernel covers"):
            Layer.model_validate(data)
        return
    made = Layer.model_validate(data)
    assert (made.out_h, made.out_w) == (out_h, out_w)
    assert made.macs == 3 * out_h * out_w * kernel[0] * kernel[1] * (4 // 2) * 6


KEYS = [*Layer.model_fields, "macs", "suite", "policy", "algorithms", "layers", "nonsense"]
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["naive", "a"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=4), inner, max_size=5)
    ),
    max_leaves=12,
)
LAYERISH = st.fixed_dictionaries(
    {key: st.integers(0, 5) | SCALARS for key in ("name", "h", "w", "kh", "kw", "cin", "cout")},
    optional=dict.fromkeys(("pad", "stride", "groups", "min", "macs", "batch", "count"), VALUES),
)
SUITEISH = st.fixed_dictionaries({"suite": st.just("x"), "layers": st.lists(LAYERISH, max_size=3)})


def read(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    try:
        suite = load_suite(str(path))
    except UsageError as error:
        assert str(path) in error.message
        assert error.remedy
        assert "\n" not in error.message
        return
    assert isinstance(suite, Suite)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(value=VALUES | SUITEISH | st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=4))
def test_any_values_give_a_suite_or_a_usage_error(tmp_path: Path, value: object) -> None:
    read(tmp_path / "any.yaml", yaml.safe_dump(value, allow_unicode=True).encode("utf-8", "replace"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    data=st.binary(max_size=200)
    | st.text(alphabet="a:-[]{}&*!|>'\"%@`,?#\n \t\\0123456789.~<=", max_size=80).map(str.encode)
)
def test_any_bytes_give_a_suite_or_a_usage_error(tmp_path: Path, data: bytes) -> None:
    read(tmp_path / "any.yaml", data)


@pytest.mark.parametrize(
    ("changes", "category", "text"),
    [
        ({}, "larger", "56x56x64 → 128, 3x3 s2 p1"),
        ({"kh": 1, "kw": 1, "pad": 0}, "1x1s2", "56x56x64 → 128, 1x1 s2"),
        ({"kh": 1, "kw": 1, "pad": [0, 0, 0, 0], "stride": [1, 1]}, "1x1s1", "56x56x64 → 128, 1x1"),
        ({"kh": 1, "kw": 1, "pad": 0, "stride": [1, 2]}, "1x1s2", "56x56x64 → 128, 1x1 s1,2"),
        ({"groups": 64}, "grouped", "56x56x64 → 128, 3x3 s2 p1 g64"),
    ],
)
def test_what_people_read(changes: dict[str, object], category: str, text: str) -> None:
    base = {"name": "l", "h": 56, "w": 56, "kh": 3, "kw": 3, "cin": 64, "cout": 128, "pad": [1] * 4, "stride": [2, 2]}
    made = Layer.model_validate({**base, **changes})
    assert (made.category, made.text) == (category, text)
