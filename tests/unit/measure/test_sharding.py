"""The shards of a run: their union is the whole plan, no job stands twice, and all know the same plan."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.measure.request import Request
from harness.measure.run.clusterplan import planned_lines
from harness.measure.sharding import common_seed, sharded
from harness.model.layer import Layer
from harness.model.policy import Policy
from harness.model.sustained import BURST, SUSTAINED, Mode, Sustained

pytestmark = pytest.mark.unit


def request(layers: int = 5, *, mode: Mode = BURST, **changed: Any) -> Request:
    policy = Policy(name="p", launches=4, rounds=2, sustained=Sustained(launches=2))
    return Request(
        suite="s",
        layers=tuple(Layer(name=f"l{n}", h=4 + n, w=4, kh=1, kw=1, cin=4, cout=4) for n in range(layers)),
        policy=policy.of_mode(mode),
        mode=mode,
        algorithms=("im2col", "indirect"),
        seed=changed.pop("seed", 7),
        **changed,
    )


def lines(asked: Request) -> list[dict[str, Any]]:
    return [line for device in ("a", "b") for line in planned_lines(device, "4-7", asked)]


@settings(deadline=None)
@given(
    st.data(),
    st.integers(1, 9),
    st.sampled_from((BURST, SUSTAINED)),
    st.integers(0, 2**40),
    st.dictionaries(st.sampled_from([f"l{n}" for n in range(9)]), st.floats(0.1, 1e4)),
)
def test_the_union_is_the_whole_and_no_job_stands_twice(
    data: st.DataObject, layers: int, mode: Mode, seed: int, measured: dict[str, float]
) -> None:
    count = data.draw(st.integers(1, layers))
    whole = request(layers, mode=mode, seed=seed)
    shards = [sharded(whole, index, count, measured) for index in range(1, count + 1)]
    assert len({shard.shard.plan for shard in shards if shard.shard}) == 1
    plan = lines(whole)
    key = [tuple(map(str, line.values())) for line in plan]
    parts = [[tuple(map(str, line.values())) for line in lines(shard)] for shard in shards]
    assert sorted(line for part in parts for line in part) == sorted(key)
    for part in parts:
        assert part and part == [line for line in key if line in part], "not in the order of the whole"


@pytest.mark.parametrize(
    "other",
    [
        request(6),
        request(seed=8),
        request(threads=(1, 2)),
        request(aa=True),
        replace(request(), policy=Policy(name="p", launches=5)),
        request(cpus=(4, 5)),
    ],
)
def test_another_plan_has_another_digest(other: Request) -> None:
    ours, theirs = (sharded(each, 1, 2, {}).shard for each in (request(), other))
    assert ours and theirs and ours.plan != theirs.plan


def test_shards_that_are_divided_in_other_ways_are_of_different_plans() -> None:
    evenly, by_time = (
        sharded(request(), 1, 2, measured).shard
        for measured in ({}, {f"l{n}": 500.0 if n == 3 else 1.0 for n in range(5)})
    )
    assert evenly and by_time and evenly.plan != by_time.plan
    assert by_time.layers in (["l3"], ["l0", "l1", "l2", "l4"]), "a layer that takes most of the time is alone"


def test_without_a_seed_all_shards_draw_the_same() -> None:
    assert common_seed(request(seed=1)) == common_seed(request(seed=2)) != common_seed(request(6))
    assert 0 <= common_seed(request()) < 2**48


def test_more_shards_than_layers() -> None:
    with pytest.raises(UsageError, match="--shard 6/9: 5 layers are too few") as found:
        sharded(request(), 6, 9, {})
    assert "take 5 at most" in found.value.remedy
