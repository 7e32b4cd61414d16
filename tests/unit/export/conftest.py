"""Runs to export: one with every kind of row, and Google's compare.py."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks import synthetic
from harness.results.results import Results, make_results

COMPARE = Path("/usr/share/benchmark/compare.py")
PHONE = synthetic.Phone(clusters=(("4-7", "Cortex-A75", 2803),))
LAYERS = [synthetic.LAYERS[n] for n in (1, 4, 6, 9)]  # larger, 1x1s2, 1x1s1, grouped
LEFT_OUT = {"name": "pixel-8", "conditions": ["LOW_BATTERY"], "state": "at 5 %\u0007 <charge>", "remedy": "charge it"}


def change(run: Path, edit: Callable[[dict[str, Any]], object], device: str = "pixel-3") -> None:
    """Changes a device's records in place."""
    path = run / "devices" / device / "records.jsonl"
    records = [json.loads(line) for line in path.read_text().splitlines()]
    for record in records:
        edit(record)
    path.write_text("".join(json.dumps(record) + "\n" for record in records))


def _spoil(record: dict[str, Any]) -> None:
    """im2col of conv2_3x3 preempted in one round, indirect of the grouped layer nearly always; a crash, a wrong one."""
    kind, layer, algorithm = record["type"], record.get("layer"), record.get("algorithm")
    if kind == "sample" and (layer, algorithm) == ("conv2_3x3", "im2col") and record["round"] == 0:
        record["cpu_ns"] = record["span_ns"] * 0.9
    if kind == "sample" and (layer, algorithm) == ("depthwise_3x3", "indirect") and record["launch"] + record["round"]:
        record["cpu_ns"] = record["span_ns"] * 0.9
    if kind == "layer" and (layer, algorithm) == ("fire2_squeeze_1x1", "direct") and record["launch"] == 0:
        keep = {k: record[k] for k in (*synthetic.Way("direct").fields("hot"), "seq", "launch", "layer")}
        record.clear()
        record.update(keep | {"type": "error", "reason": "<it>\u0001 crashed & burned", "signal": 11, "cache": ""})
    if kind == "layer" and (layer, algorithm) == ("fire2_squeeze_1x1", "im2col") and record["launch"] == 0:
        keep = {k: record[k] for k in (*synthetic.Way("im2col").fields(), "seq", "launch", "layer")}
        record.clear()
        record.update(keep | {"type": "check", "by": "reference", "outputs": 9, "ok": False, "error_over_bound": 7.5})


@pytest.fixture(scope="session")
def every_kind(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with rows of each status, tainted samples, and a device that was left out. Not to be changed."""
    run = synthetic.make_run(tmp_path_factory.mktemp("runs") / "every-kind", [PHONE], LAYERS, launches=4, rounds=3)
    change(run, _spoil)
    manifest = json.loads((run / "manifest.json").read_text())
    (run / "manifest.json").write_text(json.dumps(manifest | {"unusable": [LEFT_OUT]}))
    with (run / "plan.jsonl").open("a") as plan:
        job = {"device": "pixel-3", "cluster": "4-7", "launch": 0, "layer": "conv2_3x3", "variants": ["naive"]}
        plan.write(json.dumps(job) + "\n")
    return run


@pytest.fixture(scope="session")
def results(every_kind: Path) -> Results:
    """Its results."""
    return make_results(every_kind)


@pytest.fixture(scope="session")
def two_phones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a phone and an emulated one. Not to be changed."""
    other = replace(PHONE, name="virtual", model="Pixel 3 XL", serial="EMULATOR99", emulated=True)
    return synthetic.make_run(tmp_path_factory.mktemp("runs") / "two", [PHONE, other], LAYERS[:2], launches=4, rounds=2)


@pytest.fixture(scope="session")
def compare_py(cannot_run: Callable[[str], None]) -> Path:
    """Google Benchmark's compare.py."""
    if not COMPARE.exists():
        cannot_run(f"{COMPARE} is missing: apt-get install libbenchmark-tools")
    return COMPARE
