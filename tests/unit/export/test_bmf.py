"""Bencher Metric Format, by its published schema (https://bencher.dev/bmf.json)."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from harness.export import bmf
from harness.export.subject import of_run
from harness.results.results import Results

pytestmark = pytest.mark.unit


def check_schema(value: Any) -> None:
    """What the schema asks for: names of at most 1024 characters, slugs of at most 64, numbers."""
    assert isinstance(value, dict)
    for name, measures in value.items():
        assert 1 <= len(name) <= 1024
        assert measures and isinstance(measures, dict)
        for slug, metric in measures.items():
            assert len(slug) <= 64 and re.fullmatch(r"[a-z0-9-]+", slug)
            assert {"value"} <= set(metric) <= {"value", "lower_value", "upper_value"}
            assert all(type(number) in (int, float) for number in metric.values())
            assert metric.get("lower_value", 0) <= metric["value"] <= metric.get("upper_value", float("inf"))


def test_each_time_is_a_latency_with_its_interval(results: Results) -> None:
    subject = of_run(results, "pixel-3")
    value = json.loads("".join(bmf.text(subject)))
    check_schema(value)
    ok = {row.number: row for row in results.rows if row.status == "ok"}
    assert len(value) == len(ok)
    for entry in subject.measured:
        metric = value[entry.name]["latency"]
        assert entry.time is not None
        assert metric == {"value": entry.time.value, "lower_value": entry.time.low, "upper_value": entry.time.high}
    assert not [name for name in value if "pixel-3" in name]  # that is the testbed


def test_nothing_measured_is_an_object_all_the_same(results: Results) -> None:
    assert json.loads("".join(bmf.text(of_run(results, "nobody")))) == {}
