"""Real libraries of others under convbench, where `make bench-peers` has installed them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.peers import environment
from harness.store.records import Check, Error, Sample, Skip

pytestmark = pytest.mark.native

PEERS = ("ncnn", "onnxruntime")


@pytest.fixture
def peers(tmp_path: Path) -> list[Path]:
    """Their programs."""
    python = environment.folder() / "venv" / "bin" / "python"
    if not python.exists():
        pytest.skip("not installed: make bench-peers PEERS_ARGS='--quick --layers p7* --peers ncnn'")
    return [environment.worker(peer, python, 1, True, tmp_path) for peer in PEERS]


def test_their_results_are_right_in_their_own_layouts(
    plan: Any, run: Callable[..., Any], make_layer: Callable[..., str], peers: list[Path]
) -> None:
    plan.foreign, plan.algorithms = peers, ("indirect",)
    plan.layers = (
        make_layer("blocks", 9, 8, 32, 32, pb=0, pl=2),
        make_layer("odd", 8, 7, 5, 7, kh=1, kw=1, pad=0, stride=2),  # channels that fill no block
        make_layer("grouped", 8, 8, 8, 8, groups=2),
        make_layer("clamped", 8, 8, 8, 8, min=0),
    )
    result = run(plan)
    assert result.code == 0, [*result.of(Error), result.stderr]
    samples = [s for s in result.of(Sample) if s.algorithm in PEERS]
    assert {(s.algorithm, s.layer) for s in samples} == {
        *((peer, layer) for peer in PEERS for layer in ("blocks", "odd")),
        ("onnxruntime", "grouped"),
    }
    assert all(s.kernel and s.mhz_before is not None and s.nivcsw is not None for s in samples)
    assert all(check.ok for check in result.of(Check))
    told = {(s.algorithm, s.layer): s.reason for s in result.of(Skip)}
    assert told["ncnn", "grouped"] == "not covered by this peer"
    assert told["ncnn", "clamped"] == "a clamp is not covered by this adapter"
