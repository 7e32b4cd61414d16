"""Which rows stand for an algorithm: the same ones, whichever side of a comparison it is on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.model.layer import Layer
from harness.results.categories import CategoryRow, make_categories
from harness.results.pairs import compare, each_at_its_best
from harness.results.rows import Row, RowKey
from harness.results.run import RunData
from harness.stats.estimate import Observation, time_of
from tests.variants import variant

pytestmark = pytest.mark.unit

LAYERS = {
    name: Layer(name=name, h=size, w=size, kh=3, kw=3, cin=8, cout=8) for name, size in (("a", 9), ("b", 9), ("c", 12))
}
RUN = RunData(Path(), {}, {}, [], LAYERS, [])
LAUNCHES, ROUNDS = 4, 2
# Variant, algorithm, kernel, face: two kernels, one of them twice, labels, best schedules, what auto chose.
VARIANTS = [
    *((f"{a}/{k}", a, k, "published") for a in ("indirect", "im2col", "direct") for k in ("k8", "k16", "k8+pixels")),
    *((f"{label}", a, "k8", "published") for a, label in (("indirect", "mine"), ("im2col", "a label"))),
    *((f"{a}/{k}", a, k, "best") for a in ("indirect", "im2col", "direct") for k in ("k8+best", "k16+regions")),
    *((f"auto/{a}_k8", a, "k8", "best") for a in ("indirect", "direct")),
]


def row(layer: str, name: str, algorithm: str, kernel: str, face: str, times: Mapping[tuple[int, int], float],
        build: str = "b", status: str = "ok") -> Row:  # fmt: skip
    """A row with these times by launch and round."""
    schedule = kernel.removesuffix("+best")
    asked = "auto" if name.startswith("auto/") else algorithm if face == "published" else f"{algorithm}/best"
    what = variant(name, asked, "hot", algorithm=algorithm, schedule=schedule, face=face, build=build)
    made = Row(RowKey("phone", "4-7", layer, what), status, LAYERS[layer].category)
    made.observations = [Observation(launch, round_, 0, value) for (launch, round_), value in times.items()]
    launches: dict[int, list[float]] = {}
    for (launch, _), value in times.items():
        launches.setdefault(launch, []).append(value)
    made.time = time_of(launches)
    return made


def compared(rows: Sequence[Row]) -> dict[tuple[str, str, str], CategoryRow]:
    """The rows of categories.csv by face, algorithm and other; as the report makes them."""
    for number, each in enumerate(rows, start=1):
        each.number = number
    compare(rows)
    return {(mean.face, mean.algorithm, mean.other): mean for mean in make_categories(RUN, rows)}


def steady(layer: str, variant: str, algorithm: str, kernel: str, face: str, ns: float) -> Row:
    """A row that always took so long."""
    return row(layer, variant, algorithm, kernel, face,
               {(n, r): ns * (1 + n) for n in range(LAUNCHES) for r in range(ROUNDS)})  # fmt: skip


ROUND_TIMES = st.dictionaries(
    st.tuples(st.integers(0, LAUNCHES - 1), st.integers(0, ROUNDS - 1)),
    st.floats(1.0, 1e9),
    min_size=LAUNCHES,
    max_size=LAUNCHES * ROUNDS,
)
KEYS = st.tuples(st.sampled_from(sorted(LAYERS)), st.sampled_from(VARIANTS), st.sampled_from("bc"))


@st.composite
def measured(draw: st.DrawFn) -> list[Row]:
    """Rows of any variants, layers and builds, with rounds missing here and there."""
    keys = draw(st.lists(KEYS, unique=True, min_size=2, max_size=16))
    status = st.sampled_from(["ok", "ok", "ok", "error"])
    made = [row(layer, *variant, draw(ROUND_TIMES), build, draw(status)) for layer, variant, build in keys]
    return sorted(made, key=lambda r: (r.key.layer, r.is_best, r.algorithm, r.key.variant, r.key.build))


@settings(max_examples=60)
@given(measured())
def test_the_two_directions_of_a_comparison_are_reciprocals(rows: list[Row]) -> None:
    means = compared(rows)
    for (face, algorithm, other), mean in means.items():
        if algorithm == "auto" or "/" in other:
            continue
        back = means[face, other, algorithm]
        assert mean.layers == back.layers
        assert mean.ratio.launches == back.ratio.launches
        assert mean.ratio.value * back.ratio.value == pytest.approx(1, rel=1e-12)
        assert mean.ratio.has_interval == back.ratio.has_interval
        if mean.ratio.low is not None and mean.ratio.high is not None:
            assert back.ratio.low == pytest.approx(1 / mean.ratio.high, rel=1e-9)
            assert back.ratio.high == pytest.approx(1 / mean.ratio.low, rel=1e-9)


@settings(max_examples=60)
@given(measured())
def test_a_best_row_is_compared_with_what_stands_for_the_other_algorithm(rows: list[Row]) -> None:
    compare(rows)
    stands = {(r.key.layer, r.key.build, role): r for found in each_at_its_best(rows) for role, r in found.items()}
    for (_, _, role), standing in stands.items():
        assert role == standing.role  # what auto chose stands for auto alone
    for each in rows:
        alike = [r for r in rows if (r.key.layer, r.key.build, r.role) == (each.key.layer, each.key.build, each.role)]
        own = stands.get((each.key.layer, each.key.build, each.role))
        assert (own is not None) == any(r.is_best for r in alike)
        if own is not None and own.time and each.time:
            assert own.time.value <= each.time.value
        for other, partner in each.partners.items() if each.is_best else ():
            if not other.startswith("published/"):
                assert partner is stands[each.key.layer, each.key.build, other]


def test_a_published_form_that_is_faster_stands_on_both_sides() -> None:
    rows = [
        steady("a", "indirect/k8", "indirect", "k8", "published", 2.0),
        steady("a", "im2col/k8", "im2col", "k8", "published", 3.0),
        steady("a", "indirect/k8+regions", "indirect", "k8+regions", "best", 4.0),
        steady("a", "im2col/k8+block8", "im2col", "k8+block8", "best", 5.0),
    ]
    means = compared(rows)
    assert means["best", "indirect", "im2col"].ratio.value == pytest.approx(3 / 2)
    assert means["best", "im2col", "indirect"].ratio.value == pytest.approx(2 / 3)
    assert means["best", "indirect", "published/indirect"].ratio.value == pytest.approx(2 / 4)
    ratio = rows[2].ratio("im2col")
    assert ratio is not None and ratio.value == pytest.approx(3 / 4)  # the other's best time over this row's own


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (1, 3, 0, 2)])
def test_of_two_schedules_both_directions_take_the_same_pair(order: tuple[int, ...]) -> None:
    rows = [
        steady("a", "a label", "im2col", "k8", "published", 3.0),
        steady("a", "im2col/k8+pixels", "im2col", "k8+pixels", "published", 2.0),
        steady("a", "indirect/k8", "indirect", "k8", "published", 8.0),
        steady("a", "indirect/k8+pixels", "indirect", "k8+pixels", "published", 7.0),
    ]
    means = compared([rows[n] for n in order])
    there, back = means["published", "indirect", "im2col"].ratio, means["published", "im2col", "indirect"].ratio
    assert there.value * back.value == pytest.approx(1)


def test_auto_is_a_role_of_its_own() -> None:
    rows = [
        steady("a", "im2col/k8+best", "im2col", "k8", "best", 4.0),
        steady("a", "indirect/k8+best", "indirect", "k8", "best", 3.0),
        steady("a", "auto/indirect_k8", "indirect", "k8", "best", 1.0),
    ]
    means = compared(rows)
    assert means["best", "indirect", "im2col"].ratio.value == pytest.approx(4 / 3)
    assert means["best", "auto", "im2col"].ratio.value == pytest.approx(4)
    assert means["best", "auto", "indirect"].ratio.value == pytest.approx(3)
    assert not any(other == "auto" for _, _, other in means)


def test_without_a_best_row_nothing_stands_for_an_algorithm_at_its_best() -> None:
    rows = [
        steady("a", "indirect/k8+best", "indirect", "k8", "best", 3.0),
        steady("a", "im2col/k8", "im2col", "k8", "published", 4.0),
    ]
    assert compared(rows) == {}
    assert rows[0].ratio("im2col") is None


def test_of_two_labels_the_plain_name_is_compared_both_ways() -> None:
    rows = [
        steady("a", "a label", "im2col", "k8", "published", 8.0),
        steady("a", "im2col/k8", "im2col", "k8", "published", 3.0),
        steady("a", "indirect/k8", "indirect", "k8", "published", 2.0),
    ]
    means = compared(rows)
    assert means["published", "im2col", "indirect"].ratio.value == pytest.approx(2 / 3)
    assert means["published", "indirect", "im2col"].ratio.value == pytest.approx(3 / 2)
