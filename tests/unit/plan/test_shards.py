"""Layers divided among shards: each in one, none left out, none empty, about even, alike everywhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.plan.shards import blended, divide

pytestmark = pytest.mark.unit

WEIGHTS = st.dictionaries(st.text(min_size=1, max_size=8), st.floats(1e-3, 1e6), min_size=1, max_size=40)


@given(WEIGHTS, st.integers(1, 12))
def test_every_layer_is_in_one_shard(weights: dict[str, float], count: int) -> None:
    found = divide(weights, count)
    assert list(found) == list(weights) and set(found.values()) <= set(range(1, count + 1))
    assert len(set(found.values())) == min(count, len(weights)), "a shard is empty that need not be"


@given(WEIGHTS, st.integers(1, 12))
def test_no_shard_has_much_more_than_its_part(weights: dict[str, float], count: int) -> None:
    found = divide(weights, count)
    mean = sum(weights.values()) / count
    for shard in set(found.values()):
        load = sum(weights[layer] for layer, of in found.items() if of == shard)
        assert load <= max(1.1 * mean, mean + max(weights.values())) * (1 + 1e-9)


@given(WEIGHTS, st.integers(1, 12), st.randoms(use_true_random=False))
def test_the_order_of_the_suite_is_of_no_consequence(weights: dict[str, float], count: int, random: object) -> None:
    names = list(weights)
    random.shuffle(names)  # type: ignore[attr-defined]
    assert divide({name: weights[name] for name in names}, count) == divide(weights, count)


def test_the_answer_is_the_same_on_every_host_and_in_every_version() -> None:
    weights = {f"conv{n}": 1.0 + n % 3 for n in range(8)}
    assert list(divide(weights, 3).values()) == [2, 2, 1, 2, 3, 3, 2, 1]


def test_a_layer_more_moves_few_others() -> None:
    weights = {f"layer{n}": 1.0 + n % 7 for n in range(60)}
    before, after = divide(weights, 4), divide({**weights, "another": 3.0}, 4)
    assert sum(before[layer] != after[layer] for layer in weights) <= len(weights) / 6


@pytest.mark.parametrize(("weights", "count"), [({"a": 1.0}, 0), ({"a": 0.0}, 1), ({"a": float("nan")}, 1)])
def test_what_cannot_be_divided(weights: dict[str, float], count: int) -> None:
    with pytest.raises(ValueError, match="no layers"):
        divide(weights, count)


def test_what_is_not_known_is_estimated_on_the_scale_of_what_is() -> None:
    assert blended({"a": 1.0, "b": 2.0, "c": 4.0}, {"a": 10.0, "b": 50.0, "other": 7.0}) == {
        "a": 10.0,
        "b": 50.0,
        "c": 80.0,
    }
    assert blended({"a": 1.0, "b": 2.0}, {"a": 0.0}) == {"a": 1.0, "b": 2.0}
