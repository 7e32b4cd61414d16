"""The custom array of github-action-benchmark, by what its src/extract.ts takes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.export import github_action
from harness.export.subject import of_run
from harness.results.results import Results

pytestmark = pytest.mark.unit


def check_schema(value: Any) -> None:
    """An array of objects with these keys of these types, and no others."""
    types = {"name": str, "value": float, "unit": str, "range": str, "extra": str}
    assert isinstance(value, list) and value  # an empty one is an error there
    for item in value:
        assert {"name", "value", "unit"} <= set(item) <= set(types)
        assert all(type(item[key]) is types[key] for key in item)


def test_each_time_is_an_item(results: Results) -> None:
    subject = of_run(results)
    value = json.loads("".join(github_action.text(subject)))
    check_schema(value)
    assert [item["name"] for item in value] == [entry.full_name for entry in subject.measured]
    item = next(each for each in value if each["name"] == "pixel-3/conv2_3x3/im2col/neon_8x8/rotate/cpus:4-7")
    row = next(r for r in results.rows if r.key.layer == "conv2_3x3" and r.algorithm == "im2col")
    assert row.time is not None and row.time.low is not None and row.time.high is not None
    assert (item["value"], item["unit"]) == (row.time.value, "ns")
    half = max(row.time.high - row.time.value, row.time.value - row.time.low)
    assert float(item["range"].removeprefix("± ")) == pytest.approx(half, rel=1e-5)
    assert item["extra"].splitlines() == [
        "ok",
        "8 valid samples, 4 tainted (PREEMPTED 4)",
        "build 0123456789ab",
    ]
