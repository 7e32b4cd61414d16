"""Rows that answer to each other."""

from __future__ import annotations

import pytest

from harness.compare.match import match_rows
from harness.model.variant import Variant
from harness.results.rows import Row, RowKey

pytestmark = pytest.mark.unit


def row(name: str, asked: str, status: str = "ok", device: str = "a", build: str = "b0") -> Row:
    what = Variant(name=name, asked=asked, algorithm=asked.partition("/")[0], cache="hot", build=build)
    return Row(RowKey(device, "0", "conv", what), status)


def names(base: list[Row], new: list[Row]) -> list[tuple[str, str]]:
    return [(m.base.key.variant, m.new.key.variant) for m in match_rows(base, new, {"a": "a"}).matches]


def test_by_what_was_asked_for() -> None:
    base = [row("auto/direct_x", "auto"), row("im2col/x", "im2col")]
    new = [row("im2col/y", "im2col"), row("auto/indirect_y", "auto", build="b1")]
    assert names(base, new) == [("im2col/x", "im2col/y"), ("auto/direct_x", "auto/indirect_y")]


def test_by_name_where_one_thing_was_asked_for_often() -> None:
    base = [row("mine/a", "mine"), row("mine/b", "mine")]
    new = [row("mine/b", "mine"), row("mine/c", "mine"), row("mine/a", "mine")]
    found = match_rows(base, new, {"a": "a"})
    assert [(m.base.key.variant, m.new.key.variant) for m in found.matches] == [
        ("mine/b", "mine/b"), ("mine/a", "mine/a"),
    ]  # fmt: skip
    assert [each.key.variant for each in found.only_new] == ["mine/c"] and not found.only_base


def test_what_both_skip_is_nothing_and_what_one_skips_is_a_match() -> None:
    base = [row("direct", "direct", "skip"), row("auto", "auto", "skip"), row("naive", "naive", "skip")]
    new = [row("direct", "direct", "skip"), row("auto/x", "auto")]
    found = match_rows(base, new, {"a": "a"})
    assert [(m.base.status, m.new.status) for m in found.matches] == [("skip", "ok")]
    assert not found.only_base and not found.only_new


def test_devices_go_by_their_counterpart() -> None:
    base, new = [row("x", "im2col", device="a")], [row("x", "im2col", device="b"), row("x", "im2col", device="c")]
    found = match_rows(base, new, {"a": "b"})
    assert [m.new.key.device for m in found.matches] == ["b"]
    assert [each.key.device for each in found.only_new] == ["c"]
