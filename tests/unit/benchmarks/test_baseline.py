"""The guard on the baseline: which layers, what is judged, and from which samples."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import baseline, limits
from benchmarks.bench import without_avx512
from harness.model.suite import load_suite
from harness.results.samples import Samples
from harness.results.stream import Stream
from harness.stats.interval import Interval
from harness.store.records import Layer as Made
from harness.store.records import Sample
from tests.variants import fields

pytestmark = pytest.mark.unit


def test_layers_are_those_with_a_matrix_each_shape_once() -> None:
    layers = baseline.layers()
    assert all((layer.kh, layer.stride) != (1, (1, 1)) or any(layer.pad) for layer in layers)
    assert len({layer.shape_key for layer in layers}) == len({layer.name for layer in layers}) == len(layers)
    shapes = {layer.shape_key for layer in layers}
    for network in baseline.NETWORKS:
        for layer in load_suite(network).layers:
            assert (layer.shape_key in shapes) == (layer.category != "1x1s1")


def test_the_panel_of_the_limits_is_among_them() -> None:
    panel = [layer.name for layer in baseline.layers() if limits.is_of_panel(layer)]
    wide = {
        layer.shape_key
        for network in limits.NETWORKS
        for layer in load_suite(network).layers
        if (layer.kh, layer.kw, layer.groups) == (3, 3, 1) and min(layer.cin, layer.cout) >= 64
    }
    assert len(panel) == len(wide)
    assert all(name.startswith(("resnet18-", "vgg16_d-")) for name in panel)


def test_variants_have_names_of_their_own() -> None:
    ways = baseline.variants(("hot", "rotate"))
    assert [v.index for v in ways] == list(range(len(ways)))
    hot = {v.label: v.asked.name for v in ways if v.cache == "hot"}
    assert len(ways) == 2 * len(hot)
    assert hot["im2col"] == "im2col" and hot["indirect/best"] == "indirect/best"
    assert hot["im2col+panels"] == "im2col/default+panels"
    assert hot["im2col+pixels"] == "im2col/default+pixels"
    assert hot["im2col+block8"] == "im2col/default+block8"


@pytest.mark.parametrize(
    ("layer", "mean", "short", "unjudged"),
    [
        (Interval(0.99, 0.97, 1.01, 6), Interval(0.98, 0.97, 0.99, 6), (), ()),
        # Only an interval that ends below the least falls short.
        (Interval(0.80, 0.75, 0.86, 6), Interval(0.94, 0.92, 0.96, 6), (), ()),
        (
            Interval(0.80, 0.77, 0.84, 6),
            Interval(0.98, 0.97, 0.99, 6),
            ("a (hot): 0.800 [0.770, 0.840], at least 0.85 is asked",),
            (),
        ),
        (
            Interval(0.90, 0.88, 0.92, 6),
            Interval(0.92, 0.90, 0.94, 6),
            ("geometric mean (hot): 0.920 [0.900, 0.940], at least 0.95 is asked",),
            (),
        ),
        (Interval(0.50, None, None, 3), None, (), ("a (hot)", "geometric mean (hot)")),
        (None, Interval(0.98, 0.97, 0.99, 6), (), ("a (hot)",)),
    ],
)
def test_judgement(
    layer: Interval | None, mean: Interval | None, short: tuple[str, ...], unjudged: tuple[str, ...]
) -> None:
    found = baseline.judge({("a", "hot"): layer}, {"hot": mean})
    assert (found.short, found.unjudged) == (short, unjudged)


def stream(times: dict[str, float], launches: int = 4) -> Stream:
    """Samples of one layer in `hot`, the later launches slower."""
    header: Any = None  # nothing of it is read
    samples = []
    for launch in range(launches):
        for position, (variant, time) in enumerate(times.items()):
            record = {
                **{"type": "sample", "seq": 1, "launch": launch, "round": 0, "position": position, "layer": "a"},
                **{**fields("im2col/k", cache="hot"), "variant": variant, "calls": 1},
                **{"ns": time * (1 + launch), "settle_ns": 1, "settle_capped": False, "cpu_before": 0, "cpu_after": 0},
                **{"nivcsw": 0, "faults": 0, "t_ns": 1, "pid": launch},
            }
            samples.append(Sample.model_validate_json(json.dumps(record)))
    return Stream(header, samples=Samples.of(samples))


def test_the_better_order_and_the_best_schedule_are_found() -> None:
    times = {"im2col": 10.0, "im2col+panels": 10.1, "im2col+pixels": 8.0, "im2col/best": 6.0, "im2col+block8": 5.0}
    (found,) = baseline.findings(stream({**times, "indirect": 7.0, "indirect/best": 4.0}))
    assert (found.order, found.best) == ("im2col+pixels", "im2col+block8")
    judgement = baseline.judged([found], ["a"], ["hot"])
    assert judgement.short == (
        "a (hot): 0.800 [0.800, 0.800], at least 0.85 is asked",
        "geometric mean (hot): 0.800 [0.800, 0.800], at least 0.95 is asked",
    )
    table = list(baseline.lines([found], "hot"))
    row = table[2].split()
    assert row[:2] == ["a", "0.000"] and "+pixels" in row and "+block8" in row
    for text in ("0.800 [0.800, 0.800]", "0.500 [0.500, 0.500]", "1.429 [1.429, 1.429]", "1.250 [1.250, 1.250]"):
        assert text in table[2] and text in table[3]


def made(variant: str, schedule: str, order: str) -> Made:
    sizes = ("input", "output", "weights", "pointer", "matrix", "padding", "object")
    return Made.model_validate(
        {
            **{"type": "layer", "seq": 0, "launch": 0, "layer": "a", **fields(f"im2col/{schedule}")},
            **{"variant": variant, "order": order, "create_ns": 1.0, "reshape_ns": 1.0},
            **{f"{name}_bytes": 1 for name in sizes},
        }
    )


def test_what_order_and_blocks_give() -> None:
    times = {"im2col": 10.0, "im2col+panels": 10.0, "im2col+pixels": 8.0, "im2col/best": 4.0, "im2col+block8": 5.0}
    measured = stream(times)
    measured.items.append(made("im2col", "k", "panels"))
    measured.items.append(made("im2col/best", "k", "panels"))  # not in blocks, so no block, fast as it is
    measured.items.append(made("im2col+block8", "k+block8", "pixels"))
    row = list(baseline.order_lines(baseline.findings(measured), "hot"))[2]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells == [
        *("a", "panels", "1.250 [1.250, 1.250]", "1.250 [1.250, 1.250]", "1.600 [1.600, 1.600]", "+block8"),
    ]


def test_what_was_not_measured_is_not_judged() -> None:
    found = baseline.findings(stream({"im2col": 10.0, "im2col/best": 6.0}))
    judgement = baseline.judged(found, ["a", "b"], ["hot"])
    assert judgement == baseline.Judgement((), ("a (hot)", "b (hot)", "geometric mean (hot)"))
    assert list(baseline.lines(found, "rotate")) == ["rotate: nothing was measured"]


def test_without_avx512_there_is_nothing_to_mask(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = tmp_path / "convbench"
    program.write_text('#!/bin/sh\necho \'{"cpu_features": ["avx2", "fma"]}\'\n')
    program.chmod(0o755)
    assert without_avx512(program, tmp_path) == program
    assert "this machine has no AVX-512, so it changes nothing" in capsys.readouterr().err
