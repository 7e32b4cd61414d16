"""Whole networks: sums over layers by count, ratios by launches, nothing filled in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import synthetic
from harness.model.suite import load_suite
from harness.results.results import Results, make_results

pytestmark = pytest.mark.unit


def shapes(network: str, prefix: str = "") -> list[dict[str, Any]]:
    return [{**layer.model_dump(mode="json"), "name": prefix + layer.name} for layer in load_suite(network).layers]


def results(path: Path, name: str, layers: list[dict[str, Any]], launches: int = 4, **options: Any) -> Results:
    phone = synthetic.Phone(clusters=(("4-7", "Cortex-A75", 2803),), **options)
    run: Path = synthetic.make_run(path / "run", [phone], layers, launches=launches, rounds=1, caches=["hot"])
    manifest = json.loads((run / "manifest.json").read_text())
    manifest["suite"]["name"] = name
    (run / "manifest.json").write_text(json.dumps(manifest))
    return make_results(run)


def test_a_network_takes_its_layers_as_often_as_it_has_them(tmp_path: Path) -> None:
    found = results(tmp_path, "resnet18", shapes("resnet18"), faces=True)
    rows = {(row.form, row.face): row for row in found.networks.rows}
    assert list(rows) == [
        *(("im2col", "published"), ("indirect", "published")),  # that is the fastest on each layer, too
        *(("im2col", "best"), ("indirect", "best"), ("auto", "best"), ("fastest", "best")),
    ]
    im2col, indirect = rows["im2col", "published"], rows["indirect", "published"]
    times = {row.key.layer: row.time.value for row in found.rows if row.key.variant == "indirect/neon_8x8" and row.time}
    assert indirect.total.value == pytest.approx(sum(times[n.name] * n.count for n in load_suite("resnet18").layers))
    assert (indirect.layers, indirect.calls) == (11, 20)
    assert im2col.ratio is None and indirect.ratio is not None and indirect.ratio.has_interval
    assert indirect.ratio.value == pytest.approx(im2col.total.value / indirect.total.value, rel=0.01)
    assert rows["fastest", "best"].total.value <= min(row.total.value for row in rows.values())
    assert rows["fastest", "best"].words == "the fastest of each layer"


def test_several_networks_are_told_apart_and_parts_are_left_out(tmp_path: Path) -> None:
    layers = shapes("resnet18", "resnet18-") + shapes("squeezenet_v1_0", "squeezenet_v1_0-")[:5]
    found = results(tmp_path, "mine", layers, launches=1).networks
    assert {row.network for row in found.rows} == {"resnet18"}
    assert list(found.partial) == ["squeezenet_v1_0"] and found.partial["squeezenet_v1_0"][0] == 5


def test_a_form_that_lacks_a_layer_is_not_told(tmp_path: Path) -> None:
    rows = results(tmp_path, "mine", list(synthetic.LAYERS), launches=1).networks.rows
    assert [(row.network, row.form) for row in rows] == [("mine", name) for name in ("im2col", "indirect", "fastest")]
    assert rows[0].columns["low_ns"] == "" and rows[1].ratio is not None and not rows[1].ratio.has_interval
