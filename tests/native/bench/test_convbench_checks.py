"""convbench run: when results are checked. No variant is timed before, and no check falls between a layer's samples."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.store.records import Check, Gate, Job, Record, Sample

pytestmark = pytest.mark.native


@pytest.fixture
def two_layers(plan: Any, make_layer: Callable[..., str]) -> Any:
    plan.layers = (make_layer("a", 14, 14, 16, 16), make_layer("b", 7, 7, 16, 16))
    plan.launches = 2
    return plan


def what_happens(records: list[Record]) -> list[str]:
    """Checks by the reference, gates, samples and ends of jobs, each kind in a row once."""
    found: list[str] = []
    for record in records:
        match record:
            case Gate():
                found.append(f"gate {record.launch}")
            case Sample() | Job() | Check(by="reference"):
                found.append(f"{record.type} {record.launch} {record.layer}")
    return [each for n, each in enumerate(found) if not n or each != found[n - 1]]


def test_without_a_temperature_a_layer_is_checked_right_before_its_first_round(
    two_layers: Any, run: Callable[..., Any]
) -> None:
    result = run(two_layers)
    assert result.code == 0, result.stderr
    assert what_happens(result.records) == [
        *("check 0 a", "gate 0", "sample 0 a", "job 0 a", "check 0 b", "sample 0 b", "job 0 b"),
        *("gate 1", "sample 1 a", "job 1 a", "sample 1 b", "job 1 b"),
    ]


def test_where_a_temperature_is_waited_for_every_check_comes_before(
    two_layers: Any, run: Callable[..., Any], tmp_path: Path
) -> None:
    zone = tmp_path / "temp"
    zone.write_text("30000\n")
    two_layers.gate = (
        f"gate kind=file source=zone:cpu path={zone} scale=0.001 plateau_c=30 baseline_c=unknown tolerance_c=1 "
        "cap_s=0.5 window_s=2 slope_c=0.2"
    )
    happened = what_happens(run(two_layers).records)
    assert happened[:4] == ["check 0 a", "check 0 b", "gate 0", "sample 0 a"]
    assert not [each for each in happened[3:] if each.startswith("check")]
