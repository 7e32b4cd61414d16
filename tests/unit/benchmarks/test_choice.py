"""auto against all candidates: the layers are the same for a seed, the means what they say."""

from __future__ import annotations

import math

import pytest

from benchmarks.choice import LEAST_MACS, MOST_MACS, Row, _row, few_channels, random_layers, settled, shape, summary
from harness.errors import InfrastructureError
from harness.model.layer import Layer

pytestmark = pytest.mark.unit

ANSWER = (
    '{"auto": "direct_x", "auto_ns": 10, "best": "direct_y", "best_ns": 9, "candidates": 7, "reach": 0.9, "times": {}}'
)


def test_layers_belong_to_the_seed() -> None:
    layers = random_layers(200, 1)
    assert layers == random_layers(200, 1)
    assert layers[:50] == random_layers(50, 1)
    assert layers != random_layers(200, 2)
    assert all(LEAST_MACS <= layer.macs <= MOST_MACS for layer in layers)


def test_layers_cover_what_the_model_decides_on() -> None:
    layers = random_layers(200, 1)
    assert {layer.kh for layer in layers} == {1, 3, 5, 7}
    assert {layer.stride for layer in layers} == {(1, 1), (2, 2)}
    assert any(layer.groups > 1 for layer in layers) and any(layer.h != layer.w for layer in layers)
    assert any(layer.cin < 8 for layer in layers) and any(layer.cin > 512 for layer in layers)
    assert any(layer.cout < 16 for layer in layers) and any(layer.cout > 512 for layer in layers)
    assert any(not any(layer.pad) and layer.kh > 1 for layer in layers)


def test_the_panel_has_groups_of_few_channels() -> None:
    panel = few_channels()
    assert len({layer.name for layer in panel}) == len(panel)
    assert all(layer.groups > 1 and layer.cin // layer.groups <= 4 for layer in panel)
    # depthwise with a multiplier
    assert sum(layer.cin == layer.groups < layer.cout for layer in panel) >= 4
    assert any(layer.groups == 2 for layer in panel) and any(layer.groups >= 128 for layer in panel)


def test_summary() -> None:
    layer = random_layers(1, 1)[0]
    rows = [Row(layer, "a", "b", 3, 1.0, 1.0, reach, {}) for reach in (0.5, 1.3, 0.99)]
    found = summary(rows)
    assert found["geometric_mean"] == pytest.approx(math.cbrt(0.5 * 0.99))
    assert (found["layers"], found["worst"], found["within_2_percent"]) == (3, 0.5, pytest.approx(2 / 3))


def test_the_median_of_the_tries_counts() -> None:
    first, second = random_layers(2, 1)

    def row(layer: Layer, reach: float) -> Row:
        return Row(layer, "a", "b", 3, 1.0, 1.0, reach, {})

    tries = [[row(first, 0.8), row(second, 0.99)], [row(first, 0.97)], [row(first, 0.95)]]
    assert [(found.layer, found.reach) for found in settled(tries)] == [(first, 0.95), (second, 0.99)]
    assert [found.tries for found in settled(tries)] == [[0.8, 0.97, 0.95], [0.99]]


def test_an_answer_and_none() -> None:
    layer = random_layers(1, 1)[0]
    row = _row(layer, ANSWER)
    assert (row.best, row.reach, row.candidates) == ("direct_y", 0.9, 7)
    for line in ("", "{}\n"):
        with pytest.raises(InfrastructureError, match="stopped on"):
            _row(layer, line)
    assert f"{layer.cin}->{layer.cout}" in shape(layer)
