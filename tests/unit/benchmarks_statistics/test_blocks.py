"""Blocks of this machine: which layers, which calls, and what is missing among their samples."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.statistics import blocks, silicon
from benchmarks.statistics.layers import working_set
from harness.errors import InfrastructureError
from harness.model.policy import Policy

pytestmark = pytest.mark.unit

L2 = 512 << 10


def compared() -> list[blocks.Part]:
    return [part for part in blocks.parts(L2) if part.variants is blocks.COMPARED]


def test_two_hundred_blocks_of_a_tenth_to_four_times_the_l2() -> None:
    layers = [layer for part in compared() for layer in part.layers]
    shares = sorted(working_set(layer) / L2 for layer in layers)
    assert len({layer.name for layer in layers}) == len(layers) == 200
    assert 0.09 < shares[0] < 0.11 and 3.9 < shares[-1] < 4.1
    assert np.all(np.diff(np.log(shares)) < 0.15)  # no gap among them
    assert all(len(part.layers) == blocks.PART for part in blocks.parts(L2))
    for part in compared():
        assert min(working_set(layer) for layer in part.layers) < L2 / 4 < L2 * 2 < max(map(working_set, part.layers))


def test_layers_that_share_a_placement_are_such_that_im2col_copies() -> None:
    shared = [layer for part in blocks.parts(L2) if part.variants is blocks.PLACED for layer in part.layers]
    assert len(shared) == blocks.SHARING
    assert np.mean([layer.kh == 3 for layer in shared]) > 0.6
    assert [variant.shares_placement for variant in blocks.PLACED] == [False] * 3 + [True] * 3


def test_more_has_101_calls_for_100_of_the_others() -> None:
    part = compared()[0]
    known = list(blocks._known(part, {layer.name: 100 + 77 * n for n, layer in enumerate(part.layers)}))
    calls = {(each.layer, part.variants[each.variant].label): each.calls for each in known}
    assert len(calls) == 3 * blocks.PART
    for number, layer in enumerate(part.layers):
        one = calls[layer.name, blocks.ONE]
        assert one == calls[layer.name, blocks.TWO] and one % 100 == 0
        assert one * 1.2 >= 100 + 77 * number > (one - 100) * 1.2
        assert calls[layer.name, blocks.MORE] * 100 == one * 101
    assert list(blocks._known(blocks.parts(L2)[-1], {})) == []


def test_samples_that_are_missing_are_said(tmp_path: Path) -> None:
    absent = blocks.Measured(compared()[0], "0-1", tmp_path / "a.jsonl", tmp_path / "b.jsonl")
    with pytest.raises(InfrastructureError, match=r"a\.jsonl: block0, one: 0 samples of 80"):
        silicon.read(absent, Policy(name="p"), L2)
