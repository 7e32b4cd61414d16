"""Memory: what fits is measured, however tight; what does not is a skip with its size."""

from __future__ import annotations

import fcntl
import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.store.records import Header, Sample, Skip

pytestmark = pytest.mark.native


def meminfo(name: str) -> int:
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(f"{name}:"))


def test_budget_is_held_to_what_the_system_has(
    plan: Any, run: Callable[..., Any], make_layer: Callable[..., str]
) -> None:
    plan.measure["memory_bytes"] = 1 << 45
    floats = meminfo("MemTotal") // 4
    side = int((floats / 64) ** 0.5) + 1  # the input alone is as large as all memory
    plan.layers = (make_layer("vast", side, side, 64, 1, kh=1, kw=1, pad=0), make_layer("small", 14, 14, 16, 16))
    result = run(plan)
    assert result.code == 0, result.stderr
    header = result.of(Header)[0]
    assert 0 < header.memory_budget < meminfo("MemTotal")
    skips = [skip for skip in result.of(Skip) if skip.layer == "vast"]
    assert len(skips) == 2
    assert all(skip.bytes and skip.bytes > header.memory_budget for skip in skips)
    assert {sample.layer for sample in result.of(Sample)} == {"small"}


def test_a_layer_that_just_fits_is_never_skipped(
    plan: Any, run: Callable[..., Any], make_layer: Callable[..., str]
) -> None:
    """Buffers of very different size in an arena without room to spare: random places leave gaps that are too short."""
    plan.algorithms, plan.caches, plan.rounds = ("im2col",), ("hot", "rotate"), 12
    plan.layers = (make_layer("a", 56, 56, 16, 16),)
    plan.measure |= {"memory_bytes": 1 << 20, "min_ns": 1000, "llc_bytes": 1 << 16}
    asked = []
    for _ in range(8):  # a size names what was known when memory ran out
        result = run(plan)
        sizes = [skip.bytes for skip in result.of(Skip)]
        if not sizes:
            break
        asked.append(max(sizes))
        plan.measure["memory_bytes"] = asked[-1]
    assert asked == sorted(set(asked))
    assert not result.of(Skip)
    assert len(result.of(Sample)) == 24
    inputs = {sample.addresses.input for sample in result.of(Sample)}
    assert len(inputs) > 6


def test_out_must_be_a_regular_file(plan: Any, convbench: Path, tmp_path: Path) -> None:
    path, fifo = tmp_path / "a.plan", tmp_path / "fifo"
    path.write_text(plan.text())
    os.mkfifo(fifo)
    done = subprocess.run(
        [convbench, "run", path, "--out", fifo], capture_output=True, text=True, check=False, timeout=30
    )
    assert done.returncode == 2
    assert done.stderr == f"convbench: {fifo} is no regular file; --out takes one, or a name where there is none yet\n"
    assert stat.S_ISFIFO(fifo.stat().st_mode)


def test_a_pipe_that_nobody_reads_does_not_outlive_the_deadline(
    plan: Any, convbench: Path, tmp_path: Path, make_layer: Callable[..., str]
) -> None:
    plan.run["deadline_s"] = 3
    plan.layers = tuple(make_layer(f"layer{i}", 8, 8, 4, 4) for i in range(40))
    path = tmp_path / "a.plan"
    path.write_text(plan.text())
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    process = subprocess.Popen([convbench, "verify", path], stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    _, said = process.communicate(timeout=60)
    os.close(reading)
    assert process.returncode == 3
    assert "nobody reads the standard output" in said
