"""Which ratios have to be known well before a layer ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import synthetic
from harness.model.layer import Layer
from harness.model.other_build import OtherBuild
from harness.model.policy import Policy
from harness.results.repetition import look_at, wanted_ratios
from harness.results.results import make_results
from harness.results.rows import Row, RowKey
from harness.stats.interval import half_width
from tests.variants import variant

pytestmark = pytest.mark.unit

SHAPES = [synthetic.LAYERS[n] for n in (1, 6)]
LAYERS = [Layer.model_validate_json(json.dumps(shape)) for shape in SHAPES]
MEANS = {2: 0.02, 0: 0.0, 1: 0.01}


def row(name: str, asked: str = "", face: str = "published", status: str = "ok", **pairs: dict[int, float]) -> Row:
    made = Row(RowKey("phone", "4-7", "a", variant(name, asked, "hot", face=face)), status)
    for other, means in pairs.items():
        made.partners[other], made.pairs[other] = made, means
    return made


def wanted(*rows: Row) -> list[tuple[str, str, list[float]]]:
    return [(each.row.key.variant, each.other, each.in_order) for each in wanted_ratios(rows)]


def test_indirect_against_im2col_as_published_comes_first() -> None:
    rows = [
        row("direct/k", im2col=MEANS),
        row("indirect/k+best", "indirect/best", "best", im2col={0: 9.0}),
        row("im2col/k", indirect={0: 9.0}),
        row("indirect/k", direct={0: 9.0}, im2col=MEANS),
        row("indirect/aa", "indirect", aa={0: 9.0}),
    ]
    assert wanted(*rows) == [("indirect/k", "im2col", [0.0, 0.01, 0.02])]


def test_without_it_each_at_its_best() -> None:
    best = row("indirect/k+regions", "indirect/best", "best", im2col=MEANS)
    named = row("indirect/k+taps", "indirect/k+taps", "best", im2col={0: 9.0})
    assert wanted(row("direct/k", im2col={0: 9.0}), named, best) == [
        ("indirect/k+regions", "im2col", [0.0, 0.01, 0.02])
    ]


def test_without_either_what_there_is_and_an_a_a_pair_last() -> None:
    copy = row("direct/aa", "direct", aa=MEANS)
    assert wanted(copy, row("direct/k", im2col={0: 1.0})) == [("direct/k", "im2col", [1.0])]
    assert wanted(copy, row("naive")) == [("direct/aa", "aa", [0.0, 0.01, 0.02])]
    assert wanted(row("naive")) == []


def test_workers_of_somebody_else_stand_beside_it() -> None:
    theirs = row("xnn", "xnn", "best", auto=MEANS, indirect={0: 9.0})
    ours = row("indirect/k", im2col=MEANS)
    assert wanted(theirs, ours) == [("xnn", "auto", [0.0, 0.01, 0.02]), ("indirect/k", "im2col", [0.0, 0.01, 0.02])]
    assert wanted(row("xnn", "xnn", "best")) == []


@pytest.mark.parametrize(
    ("status", "found"), [("unjudged", [("indirect/k", "im2col", [])]), ("error", []), ("wrong", [])]
)
def test_too_little_valid_data_is_not_known_well_and_what_failed_is_not_waited_for(
    status: str, found: list[tuple[str, str, list[float]]]
) -> None:
    assert wanted(row("indirect/k", status=status)) == found


def test_nothing_stands_in_for_a_partner_that_is_unjudged() -> None:
    """Rows with too few valid samples have no partners, and are no one's: the ratio that matters is known badly."""
    im2col, direct = row("im2col/k", status="unjudged"), row("direct/k", indirect=MEANS)
    indirect = row("indirect/k", direct=MEANS)
    assert wanted(im2col, indirect) == [("indirect/k", "im2col", [])]
    assert wanted(direct, im2col, indirect) == [("indirect/k", "im2col", [])]
    best = row("indirect/k+best", "indirect/best", "best", im2col=MEANS)
    assert wanted(im2col, best) == [("indirect/k+best", "im2col", [0.0, 0.01, 0.02])]  # that one's is another row
    assert wanted(row("direct/k"), im2col) == [("direct/k", "im2col", [])]
    assert wanted(row("direct/k", status="unjudged"), row("direct/aa", "direct")) == [("direct/aa", "aa", [])]
    assert wanted(row("naive"), im2col) == []  # never compared


def test_beside_workers_of_somebody_else_too() -> None:
    theirs, auto = row("xnn", "xnn", "best", indirect=MEANS), row("auto/indirect_k", "auto", "best", status="unjudged")
    assert wanted(theirs, auto)[0] == ("xnn", "auto", [])
    assert wanted(row("xnn", "xnn", "best"), auto)[0] == ("xnn", "auto", [])
    assert wanted(theirs, row("auto/indirect_k", "auto", "best"))[0] == ("xnn", "indirect", [0.0, 0.01, 0.02])


def test_a_look_tells_the_same_ratios_as_the_report(tmp_path: Path) -> None:
    phone = synthetic.Phone(clusters=(("4-7", "Cortex-A75", 2803),))
    path = synthetic.make_run(tmp_path / "run", [phone], SHAPES, launches=5, rounds=3)
    seen = look_at(path / "devices/pixel-3/records.jsonl", "4-7", LAYERS, Policy(name="p"), emulated=False)
    assert list(seen) == ["conv2_3x3", "fire2_squeeze_1x1"]
    for row_ in make_results(path).rows:
        ratio = row_.ratio("im2col")
        if row_.algorithm == "indirect" and ratio is not None:
            found = [half_width(each) for each in seen[row_.key.layer].ratios]
            assert half_width(list(row_.pairs["im2col"].values())) in found
    assert [len(each.ratios) for each in seen.values()] == [2, 2]  # hot, rotate
    assert [each.spent_s for each in seen.values()] == [5.0, 5.0]


def test_nothing_on_record_is_nothing_seen(tmp_path: Path) -> None:
    assert look_at(tmp_path / "none", "4-7", LAYERS, Policy(name="p"), emulated=False) == {}


def test_where_other_builds_ran_too_their_ratios_matter(tmp_path: Path) -> None:
    phone = synthetic.Phone(clusters=(("4-7", "Cortex-A75", 2803),), others=[synthetic.Other()])
    path = synthetic.make_run(tmp_path / "run", [phone], SHAPES[:1], launches=5, rounds=3, caches=["hot"])
    rows = make_results(path).rows
    found = list(wanted_ratios(rows))
    assert {(each.row.algorithm, each.other, len(each.means)) for each in found} == {
        *(("im2col", "HEAD~1", 5), ("indirect", "HEAD~1", 5)),
    }
    others = [OtherBuild.model_validate(each) for each in json.loads((path / "manifest.json").read_text())["against"]]
    records = path / "devices/pixel-3/records.jsonl"
    seen = look_at(records, "4-7", LAYERS[:1], Policy(name="p"), emulated=False, others=others)
    assert sorted(map(list, seen["conv2_3x3"].ratios)) == sorted(list(each.in_order) for each in found)
