"""``pair_of_runs``: two runs of one phone, the second one changed as a test wants it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks import synthetic

PairOfRuns = Callable[..., tuple[Path, Path]]


def _edit(path: Path, change: Callable[[Any], object]) -> None:
    value = json.loads(path.read_text())
    changed = change(value)
    path.write_text(json.dumps(changed if isinstance(changed, dict) else value))


@pytest.fixture
def edit_json() -> Callable[[Path, Callable[[Any], object]], None]:
    """``edit_json(file, change)``: changes a JSON file in place."""
    return _edit


@pytest.fixture
def pair_of_runs(tmp_path: Path) -> PairOfRuns:
    """``pair_of_runs(im2col=1.1)``: im2col of larger layers takes so many times as long in the new run."""

    def make(
        im2col: float = 1.0, launches: int = 8, noise: float = 0.004, layers: int = 3, threads: Sequence[int] = (1,)
    ) -> tuple[Path, Path]:
        paths = []
        for name, times in (("base", 1.0), ("new", im2col)):
            truth = synthetic.Truth({"larger": 1.3 * times}, spread=0.0, launch_sd=noise, noise_sd=noise)
            phone = synthetic.Phone(clusters=(("4-7", "Cortex-A75", 2803),), truth=truth, drift=0.0, threads=threads)
            chosen = synthetic.LAYERS[1 : 1 + layers]
            seed = 11 if name == "base" else 12
            path = synthetic.make_run(tmp_path / name, [phone], chosen, launches, 3, ["hot"], seed)
            manifest = json.loads((path / "manifest.json").read_text()) | {"run": f"20261121-{name}"}
            (path / "manifest.json").write_text(json.dumps(manifest))
            paths.append(path)
        return paths[0], paths[1]

    return make
