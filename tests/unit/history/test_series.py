"""Series of a store, and what is told of them on a terminal and on pages."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest

from harness.errors import UsageError
from harness.history.changes import Found
from harness.history.chart import HEIGHT, TOP, WIDTH, chart_of
from harness.history.lines import changes_of, chosen, lines
from harness.history.pages import pages_of, write_pages
from harness.history.series import Series, all_series
from harness.history.store import Store

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def series(filled: Store) -> list[Series]:
    return all_series(filled)


def test_a_series_for_each_variant_with_a_time(series: list[Series]) -> None:
    assert {(each.key.layer, each.key.asked) for each in series} == {
        (layer, asked) for layer in ("conv2_3x3", "conv3_down_3x3s2") for asked in ("im2col", "indirect")
    }
    assert {(each.device, each.model, each.core, len(each.points)) for each in series} == {
        ("pixel-3", "Pixel 3", "Cortex-A75", 10)
    }
    assert [point.run for point in series[0].points] == [f"night-{n:03d}" for n in range(10)]


def test_the_step_is_found_where_it_is_and_nowhere_else(series: list[Series]) -> None:
    told = changes_of(series)
    assert {each.series.key.asked for each in told} == {"im2col"} and len(told) == 2
    for each in told:
        assert (each.change.kind, each.at.run, each.before.run) == ("step", "night-005", "night-004")
        assert each.change.low < 1.06 < each.change.high


def test_lines_name_it_and_sum_up(series: list[Series]) -> None:
    *changes, last = lines(series, 10)
    assert last == "2 changes in 4 series of 10 runs"
    pattern = (
        r"since 2026-09-06: pixel-3 CPUs 4-7, hot, conv\w+ im2col: \d\.\d % slower \[\d\.\d %, \d\.\d %\]; "
        r"the same commit and program"
    )
    assert len(changes) == 2 and all(re.fullmatch(pattern, line) for line in changes), changes


@pytest.mark.parametrize(
    ("phone", "layer", "count"),
    [(None, None, 4), ("pixel-3", None, 4), ("Pixel 3", "conv2*", 2), ("x", None, 0), (None, "none*", 0)],
)
def test_some_are_chosen(phone: str | None, layer: str | None, count: int, series: list[Series]) -> None:
    assert len(chosen(series, phone, layer)) == count
    assert len(chosen(series, series[0].key.phone, None)) == 4


def test_a_chart_shows_every_run_within_its_frame(series: list[Series]) -> None:
    for each in series:
        chart = chart_of(each)
        assert len(chart.dots) == 10
        assert all(0 <= dot.x <= WIDTH and TOP <= dot.high <= dot.y <= dot.low <= TOP + HEIGHT for dot in chart.dots)
        assert [mark.word for mark in chart.marks] == ["slower"] * len(each.found.changes)
        assert "0 %" in [text for _, text in chart.y_ticks]


def test_a_series_of_one_run_has_a_chart(series: list[Series]) -> None:
    one = Series(series[0].key, points=series[0].points[:1])
    assert len(chart_of(one).dots) == 1


def test_pages_link_to_each_other_and_load_nothing(series: list[Series], tmp_path: Path) -> None:
    index, device = write_pages(series, tmp_path / "site")
    assert (index.name, device.name) == ("index.html", f"pixel-3-{series[0].key.phone[:8]}.html")
    for page in (index, device):
        text = page.read_text()
        assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in text
        links = re.findall(r'(?:href|src)="([^"]*)"', text)
        assert links and all((page.parent / link).is_file() for link in links)
        assert not re.search(r"<script|https?://|@import|url\(", text)
    assert "2 changes in 4 series of 10 runs" in index.read_text()
    charts = re.findall(r"<svg.*?</svg>", device.read_text(), re.S)
    assert len(charts) == 4 and all(ElementTree.fromstring(chart).tag == "svg" for chart in charts)
    before = index.read_bytes()
    assert write_pages(series, tmp_path / "site") == [index, device] and index.read_bytes() == before


def test_a_page_of_many_series_is_no_heap_of_words(series: list[Series], tmp_path: Path) -> None:
    """Runs have words where something changed; charts of what did not change are a few, the table has all."""
    quiet = next(each for each in series if not each.found.changes)
    many = [replace(quiet, key=replace(quiet.key, layer=f"layer{n}")) for n in range(150)]
    (_, page) = write_pages([*many, *series], tmp_path / "site")
    text = page.read_text()
    assert text.count("<svg") == 102 and text.count("<circle") == 20 and text.count("<tr>") == 155
    assert "52 more, too many for this page, stand in the table" in text


def test_names_from_devices_are_escaped(series: list[Series], tmp_path: Path) -> None:
    odd = Series(series[0].key, '<i>"x', "<b>model", "<u>", True, series[0].points, [], series[0].found)
    (page,) = pages_of([odd])
    assert re.fullmatch(r"[a-z0-9-]+\.html", page.name)
    texts = [path.read_text() for path in write_pages([odd], tmp_path / "site")]
    assert all("<i>" not in text and "<b>model" not in text and "<u>" not in text for text in texts)
    assert all("EMULATED" in text for text in texts)


def test_a_folder_of_something_else_is_left_alone(series: list[Series], tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<p>mine")
    for out in (tmp_path, tmp_path / "index.html"):
        with pytest.raises(UsageError, match="there is something else"):
            write_pages(series, out)
    assert (tmp_path / "index.html").read_text() == "<p>mine"


def test_an_empty_history_has_an_index(tmp_path: Path) -> None:
    (index,) = write_pages([], tmp_path / "site")
    assert "0 changes in 0 series of 0 runs" in index.read_text()


def test_times_and_dates_that_cannot_be_are_drawn_all_the_same(series: list[Series]) -> None:
    """A store only grows: no run in it may make all pages impossible."""
    points = [
        replace(point, ns=10.0 ** (3 * n - 9), log_se=math.inf if n else 800.0, started=datetime(9999, 12, 31, 2, n))
        for n, point in enumerate(series[0].points)
    ]
    chart = chart_of(replace(series[0], points=points, found=Found()))
    assert all(math.isfinite(value) for dot in chart.dots for value in (dot.x, dot.y, dot.low, dot.high))
    assert [text for _, text in chart.x_ticks] == ["9999-12-31"] and 1 <= len(chart.y_ticks) <= 7


def test_a_page_stays_in_its_folder_whatever_a_store_calls_a_phone(series: list[Series], tmp_path: Path) -> None:
    foreign = [replace(each, key=replace(each.key, phone="/../../x")) for each in series]
    assert {path.parent for path in write_pages(foreign, tmp_path / "site")} == {tmp_path / "site"}
    assert all(re.fullmatch(r"[a-z0-9-]+\.html", page.name) for page in pages_of(foreign))
