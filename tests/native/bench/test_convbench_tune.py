"""`tune` writes a table of the plan's layers on the plan's CPU; what fails leaves none."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.native

LAST_CPU = max(os.sched_getaffinity(0))


def tune(program: Path, plan: Any, folder: Path) -> tuple[int, list[dict[str, Any]], str]:
    path = folder / "t.plan"
    path.write_text(plan.text())
    argv = [str(program), "tune", str(path), "--out", str(folder / "t.tuned")]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def test_a_table_with_a_line_per_layer(
    plan: Any, convbench: Path, tmp_path: Path, make_layer: Callable[..., str]
) -> None:
    plan.run["cpu"] = LAST_CPU
    plan.measure["budget_s"] = 0.3
    plan.layers = (make_layer("a", 14, 14, 16, 40), make_layer("b", 9, 9, 20, 33, kh=1, kw=1, pad=0))
    code, said, errors = tune(convbench, plan, tmp_path)
    assert code == 0, errors
    assert [line["type"] for line in said] == ["tuned", "tuned", "end"]
    assert [line.get("layer") for line in said] == ["a", "b", None]
    lines = (tmp_path / "t.tuned").read_text().splitlines()
    assert lines[0].startswith("indirectconv-tuned ") and len(lines) == 4
    assert lines[1].endswith(" h=14 w=14 threads=1 " + said[0]["best"])
    assert lines[2].startswith("layer ") and " kh=1 kw=1 " in lines[2] and lines[2].endswith(" " + said[1]["best"])
    assert lines[3].startswith("end 2 ")
    for line in said[:2]:
        assert line["candidates"] >= 1
        assert line["best"] == line["model"] or line["best_ns"] <= 0.98 * line["model_ns"]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["t.plan", "t.tuned"]


def test_a_layer_too_large_for_the_memory_is_left_out(
    plan: Any, convbench: Path, tmp_path: Path, make_layer: Callable[..., str]
) -> None:
    plan.measure.update(budget_s=0.05, memory_bytes=1 << 20)
    plan.layers = (make_layer("large", 64, 64, 64, 64), make_layer("small", 6, 6, 4, 4))
    code, said, errors = tune(convbench, plan, tmp_path)
    assert code == 0, errors
    assert [line["type"] for line in said] == ["skip", "tuned", "end"]
    assert "MiB" in said[0]["reason"]
    assert "\nend 1 " in (tmp_path / "t.tuned").read_text()


def test_what_cannot_be_written_is_said(plan: Any, convbench: Path, tmp_path: Path) -> None:
    plan.measure["budget_s"] = 0.01
    (tmp_path / "t.tuned").mkdir()
    code, said, errors = tune(convbench, plan, tmp_path)
    assert code == 2 and said[-1] == {"type": "end", "reason": "error"}
    assert "cannot write" in errors and "directory" in errors.lower()
    assert not (tmp_path / "t.tuned.part").exists()


def test_a_cpu_that_is_not_there(plan: Any, convbench: Path, tmp_path: Path) -> None:
    plan.run["cpu"] = 1000
    code, said, errors = tune(convbench, plan, tmp_path)
    assert (code, said) == (2, []) and "cannot run on CPU 1000" in errors
    assert not (tmp_path / "t.tuned").exists()


def test_a_signal_keeps_what_is_done(
    plan: Any, convbench: Path, tmp_path: Path, make_layer: Callable[..., str]
) -> None:
    plan.measure["budget_s"] = 0.5
    plan.layers = tuple(make_layer(f"l{i}", 14, 14, 16, 40 + i) for i in range(40))
    path = tmp_path / "t.plan"
    path.write_text(plan.text())
    argv = [str(convbench), "tune", str(path), "--out", str(tmp_path / "t.tuned")]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        rest = [json.loads(line) for line in process.stdout]
    assert process.returncode == 130
    assert first["layer"] == "l0" and rest[-1]["reason"] == "signal"
    assert f"\nend {len(rest)} " in (tmp_path / "t.tuned").read_text()


def test_on_arm64(plan: Any, arm64_convbench: Path, tmp_path: Path, make_layer: Callable[..., str]) -> None:
    plan.measure["budget_s"] = 0.5
    plan.layers = (make_layer("a", 7, 7, 8, 16),)
    code, said, errors = tune(arm64_convbench, plan, tmp_path)
    assert code == 0, errors
    assert said[0]["type"] == "tuned" and "neon" in said[0]["model"]
    assert (tmp_path / "t.tuned").read_text().split()[3].startswith("arm64:")
