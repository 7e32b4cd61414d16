"""Noise that no machine made: of known spread, for tests of what is made of recorded noise."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.statistics.noise import COUNTS, EVIDENCE, Noise

_LEVELS = {"mhz": 2900.0, "gflops": 90.0, "gbps": 12.0}


@pytest.fixture(scope="session")
def noise() -> Noise:
    """Two recorded streams of 24 launches, normal, 1 % a sample."""
    shape = (2, 24, 10, 2)
    dice = np.random.default_rng(1)
    return Noise(
        dice.normal(0, 0.01, shape),
        np.zeros(shape),
        {name: np.full(shape, _LEVELS[name.partition("_")[0]]) for name in EVIDENCE},
        {name: np.zeros(shape, dtype=np.int64) for name in COUNTS},
        dice.random(shape[:-1]) < 0.5,
        ("a hot", "b hot"),
        {"recorded": "never", "program": "none", "beside": "0.0", "scheduler": "none"},
    )
