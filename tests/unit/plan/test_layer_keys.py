"""The keys of a plan's layer line: what is written is what the C program reads (layer_keys.inc.h of native/bench)."""

from __future__ import annotations

import re

import pytest

from harness.model.layer import Layer
from harness.paths import data_root
from harness.plan.planfile import MeasureLine, Plan, RunLine, render

pytestmark = pytest.mark.unit


def test_what_is_written_is_what_is_read() -> None:
    text = (data_root() / "native/bench/wire/layer_keys.inc.h").read_text()
    known = re.findall(r"^LAYER_KEY\((\w+), ", text, re.MULTILINE)
    plan = render(
        Plan(
            run=RunLine(id="r", cluster="0", attempt=1, cpu=0, deadline_s=1, tool="0"),
            measure=MeasureLine(min_ns=1, budget_s=1),
            builds=(),
            variants=(),
            layers=[Layer(name="a", h=4, w=4, kh=1, kw=1, cin=1, cout=1)],
            jobs=(),
        )
    )
    (line,) = (line for line in plan.splitlines() if line.startswith("layer "))
    assert re.findall(r" (\w+)=", line) == known
