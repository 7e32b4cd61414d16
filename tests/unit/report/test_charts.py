"""Charts as positions: where marks, ticks and names lie."""

from __future__ import annotations

import itertools

import pytest

from harness.report.charts import Line, memory_chart, ratio_chart
from harness.results.categories import CategoryRow
from harness.results.rows import Row, RowKey
from harness.stats.interval import Interval
from tests.variants import variant

pytestmark = pytest.mark.unit


def row(layer: str, algorithm: str = "indirect", ratio: float = 1.0, size: int = 0) -> Row:
    """A row of four launches, all of them with that ratio to im2col."""
    what = variant(f"{algorithm}/k", cache="hot")
    made = Row(RowKey("d", "4-7", layer, what), "ok", category="larger", number=1)
    made.pairs = {"im2col": dict.fromkeys(range(4), ratio)}
    made.matrix_bytes = size if algorithm == "im2col" else 0
    made.pointer_bytes = size if algorithm == "indirect" else 0
    return made


def test_a_ratio_lies_where_its_value_says() -> None:
    mean = CategoryRow("d", "4-7", "hot", "larger", "indirect", "im2col", "published", Interval(1.2, 1.1, 1.3, 4), 2)
    chart = ratio_chart([row("slow", ratio=-0.2), row("fast", ratio=0.4)], [mean], "here")
    assert chart is not None
    (section,) = chart.sections
    assert section.one is not None
    slow, fast, both = (line.marks[0] for line in section.lines)
    assert 0 < slow.x < section.one < both.low < both.x < both.high < fast.x < chart.axis
    assert (slow.color, fast.color) == ("#C4500A", "#0072B2")
    assert (fast.text, fast.source, fast.value) == ("1.49", "results.csv:1:ratio_im2col", "1.4918247")
    assert [line.is_mean for line in section.lines] == [False, False, True]
    assert [line.y for line in section.lines] == sorted(line.y for line in section.lines)


@pytest.mark.parametrize("sizes", [(4096, 4096), (1 << 40, 8), (7, 5)])
def test_sizes_keep_apart_and_inside(sizes: tuple[int, int]) -> None:
    chart = memory_chart([row("a", "im2col", size=sizes[0]), row("a", size=sizes[1])], "here")
    assert chart is not None
    (section,) = chart.sections
    assert all(0 < mark.x < chart.axis for line in section.lines for mark in line.marks)
    places = [x for x, _ in section.ticks]
    assert all(right - left >= 44 for left, right in itertools.pairwise(places))


def test_nothing_to_draw_is_no_chart() -> None:
    assert ratio_chart([], [], "here") is None
    assert memory_chart([row("a")], "here") is None


def test_a_long_name_keeps_its_end() -> None:
    label = Line("network-" + "x" * 60 + "_1x1", 0, ()).label
    assert label.startswith("…") and label.endswith("_1x1") and len(label) == 36
