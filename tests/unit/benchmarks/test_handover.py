"""What is planned when two builds are compared: layers of a suite, variants of both, on so many threads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks import handover, local
from harness.devices.base import Cluster
from harness.errors import UsageError
from harness.measure.clusters import Target
from harness.model.suite import load_suite

pytestmark = pytest.mark.unit

GROUPED = Path(handover.__file__).with_name("grouped.yaml")


def test_of_a_suite_on_two_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = tmp_path / "convbench"
    asked: dict[str, Any] = {}
    before.touch()

    def against(_: Path, layers: Sequence[Any], *counts: int) -> None:
        asked["layers"], asked["counts"] = [layer.name for layer in layers], counts

    monkeypatch.setattr(handover, "against", against)
    handover.command(before, launches=4, rounds=2, threads=2, suite=str(GROUPED), layers="g8*")
    assert asked == {"layers": ["g8_28_3x3_96_96", "g8_28_3x3_96_384"], "counts": (4, 2, 2)}
    with pytest.raises(UsageError, match="no layer"):
        handover.command(before, suite=str(GROUPED), layers="none")


def test_the_grouped_suite_is_of_groups_and_images() -> None:
    assert all(layer.groups > 1 or layer.batch > 1 for layer in load_suite(str(GROUPED)).layers)


def test_threads_have_the_cpus_and_the_conductor_then_has_none() -> None:
    place = Target(Cluster((0, 1)), 1, (0,))
    one, two = local.run_line("bench", place, [1]), local.run_line("bench", place, [1, 0])
    assert (one.cpu, one.conductor_cpus, one.cpus) == (1, "0", "")
    assert (two.cpu, two.conductor_cpus, two.cpus) == (1, "", "0-1")
