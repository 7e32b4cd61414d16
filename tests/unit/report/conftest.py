"""``synthetic``: the maker of run directories (benchmarks/synthetic.py); ``kept``: parts of one, as fixtures."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import benchmarks.synthetic

Keep = Callable[[dict[str, Any]], bool]


@pytest.fixture(scope="session")
def synthetic() -> ModuleType:
    """The module: make_run, Phone, Truth, layer, LAYERS."""
    return benchmarks.synthetic


@pytest.fixture
def kept(tmp_path: Path) -> Callable[..., Path]:
    """`kept(keep, **options)`: a small run of one cluster of which only those records are left, and no plan."""

    def kept(keep: Keep, **options: Any) -> Path:
        phone = benchmarks.synthetic.Phone(clusters=(("4-7", "Cortex-A75", 2803),), **options)
        run: Path = benchmarks.synthetic.make_run(tmp_path / "run", [phone], launches=4, rounds=1)
        (file,) = run.glob("devices/*/records.jsonl")
        records = [json.loads(line) for line in file.read_text().splitlines()]
        file.write_text("".join(json.dumps(record) + "\n" for record in records if keep(record)))
        (run / "plan.jsonl").write_text("")
        return run

    return kept
