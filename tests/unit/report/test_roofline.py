"""The roofline: roofs by the probes, points by results.csv."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from harness.report.roofline import bytes_of, make_roofline
from harness.report.sentences import make_sentences
from harness.results.results import make_results

pytestmark = pytest.mark.unit


def test_points_lie_below_the_measured_roof(synthetic: ModuleType, tmp_path: Path) -> None:
    results = make_results(synthetic.make_run(tmp_path / "run", launches=4, rounds=1))
    sentence = make_sentences(results)[0]
    roofline = make_roofline(results, sentence)
    assert roofline is not None and len(roofline.points) == len(synthetic.LAYERS)
    assert roofline.words.startswith("Roofs: 43.5 GFLOP/s of multiply-adds, 12.5 GB/s beyond the caches")
    top = float(roofline.roof.partition("L")[2].partition("H")[0].partition(",")[2])
    assert all(point.y > top for point in roofline.points)  # the pixel 0 is above
    first = results.rows[int(roofline.points[0].source.split(":")[1]) - 1]
    assert first.key.cache == "hot" and float(roofline.points[0].value) == pytest.approx(first.gflops)
    assert make_roofline(results, replace(sentence, threads=2)) is None


def test_bytes_of_a_layer_are_input_weights_and_output(synthetic: ModuleType, tmp_path: Path) -> None:
    results = make_results(synthetic.make_run(tmp_path / "run", launches=1, rounds=1))
    assert bytes_of(results.run.layers["conv2_3x3"]) == 4 * (56 * 56 * 64 + 9 * 64 * 64 + 56 * 56 * 64)
    assert bytes_of(results.run.layers["depthwise_3x3"]) == 4 * (28 * 28 * 64 + 9 * 64 + 28 * 28 * 64)


def test_without_a_probe_there_is_none(synthetic: ModuleType, tmp_path: Path) -> None:
    run = synthetic.make_run(tmp_path / "run", [synthetic.Phone(emulated=True)], launches=1, rounds=1)
    results = make_results(run)
    assert make_roofline(results, make_sentences(results)[0]) is None
