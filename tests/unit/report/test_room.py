"""Which tables a page shows where there are too many rows for all of them."""

from __future__ import annotations

import re
from functools import partial
from types import ModuleType

import pytest

from harness.report.context import Context, make_context
from harness.report.html import render_html
from harness.report.room import Room

pytestmark = pytest.mark.unit

# Rows of a cluster in a cache mode: as published 23 (indirect and im2col of 10 layers, direct of 3), auto 10, best 33.
TABLES = [("rotate", "published"), ("rotate", "auto"), ("hot", "published"), ("hot", "auto"), ("rotate", "best")]
TABLES += [("hot", "best")]


@pytest.fixture(scope="module")
def context(synthetic: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Context:
    """One phone of two clusters, both faces."""
    path = tmp_path_factory.mktemp("room") / "run"
    return make_context(synthetic.make_run(path, [synthetic.Phone(faces=True)], launches=4, rounds=1))


@pytest.mark.parametrize(
    ("most", "shown"), [(0, 1), (19, 1), (20, 2), (65, 2), (66, 3), (85, 3), (86, 4), (151, 4), (152, 5), (218, 6)]
)
def test_tables_are_shown_by_importance_while_there_is_room(context: Context, most: int, shown: int) -> None:
    room = Room(context, most)
    for sentence in context.sentences:
        assert [table for table in TABLES if room.has(sentence, *table)] == TABLES[:shown]
    assert room.has_all == (shown == len(TABLES))


def test_what_is_left_out_is_said_with_its_rows(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = render_html(context)
    assert "too many for this page" not in whole and "Left out." not in whole
    monkeypatch.setattr("harness.report.html.Room", partial(Room, most_rows=66))
    html = render_html(context)
    found = re.findall(r"<p class=\"soft\">(.*?): rows (\d+) to (\d+) of results.csv; too many for this page", html)
    words = [text.partition(" with ")[0] for text, _, _ in found]
    assert words == ["Every variant of face best", "What auto chose", "Every variant of face best"] * 2
    cluster = context.sentences[0].cluster
    left_out = [row.number for row in context.results.rows
                if (row.key.cluster, row.key.cache) == (cluster, "rotate") and row.is_best]  # fmt: skip
    assert (int(found[0][1]), int(found[0][2])) == (min(left_out), max(left_out))
    assert "Left out." in html
    assert len(html) < 0.65 * len(whole)


def test_a_large_page_has_no_charts_and_leaves_out_the_last_first_tables(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The heat tables have every layer of every cluster, the commands are in their cells."""
    monkeypatch.setattr("harness.report.room.MOST_FIRST", 30)
    monkeypatch.setattr("harness.report.html.Room", partial(Room, large=20))
    html = render_html(context)
    assert Room(context, large=20).is_large and not Room(context).is_large
    assert html.count('<table class="layers">') == 1 and "<figure" not in html and "<summary>again" not in html
    (left_out,) = re.findall(r"Layers with cold weights \(rotate\): rows (\d+) to \d+ of results.csv", html)
    assert context.results.rows[int(left_out) - 1].key.cluster == context.sentences[1].cluster
    assert html.count('<table class="heat">') == 2
