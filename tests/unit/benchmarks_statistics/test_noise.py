"""The recorded noise: what the committed file holds, and what is no such file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.statistics.noise import FILE, LAUNCHES, ROUNDS, SHAPES, Noise
from harness.errors import UsageError

pytestmark = pytest.mark.unit


def test_what_is_saved_is_loaded(noise: Noise, tmp_path: Path) -> None:
    noise.save(tmp_path / "n.npz")
    again = Noise.load(tmp_path / "n.npz")
    assert again.log_ns == pytest.approx(noise.log_ns, abs=1e-6)
    assert np.array_equal(again.one_first, noise.one_first)
    assert again.names == noise.names and again.about == noise.about
    assert again.evidence["mhz_before"] == pytest.approx(noise.evidence["mhz_before"])


def test_the_committed_noise_is_small_and_whole() -> None:
    assert FILE.stat().st_size < 300_000
    recorded = Noise.load()
    assert recorded.log_ns.shape == (2 * len(SHAPES), LAUNCHES, ROUNDS, 2) and len(recorded.names) == 2 * len(SHAPES)
    assert np.all(np.isfinite(recorded.log_ns)) and np.allclose(
        np.median(recorded.log_ns, axis=(1, 2, 3)), 0, atol=1e-5
    )
    assert 0.4 < recorded.one_first.mean() < 0.6
    assert {"recorded", "program", "beside", "scheduler"} <= set(recorded.about)


@pytest.mark.parametrize("content", [None, b"", b"garbage", b"PK\x03\x04"], ids=["absent", "empty", "text", "cut"])
def test_another_file_is_none(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "n.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match="no recorded noise"):
        Noise.load(path)


def test_an_array_that_lacks_columns_is_none(tmp_path: Path) -> None:
    np.savez(tmp_path / "n.npz", log_ns=np.zeros(3))
    with pytest.raises(UsageError, match="no recorded noise"):
        Noise.load(tmp_path / "n.npz")
