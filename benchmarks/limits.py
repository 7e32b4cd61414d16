"""How near the library comes to this machine's limits: FMA peak for `indirect`, memcpy for the im2col copy.

Over the 3x3 layers of resnet18 and vgg16_d with at least 64 channels in and out, `hot`, one core.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import yaml

from benchmarks.commandline import start
from harness.build.builder import build
from harness.config.layer import Layer
from harness.config.suite import load_suite
from harness.devices.local import LocalDevice
from harness.measure.clusters import targets

_POLICY = {"launches": 4, "rounds": 6, "min_ms": 10, "block_budget_s": 20, "cache": ["hot"]}


def panel() -> list[Layer]:
    """The layers, each shape once."""
    found: dict[object, Layer] = {}
    for name in ("resnet18", "vgg16_d"):
        for layer in load_suite(name).layers:
            if (layer.kh, layer.kw, layer.groups) == (3, 3, 1) and min(layer.cin, layer.cout) >= 64:
                found.setdefault(layer.shape_key, layer.model_copy(update={"name": f"{name}-{layer.name}"}))
    return list(found.values())


def memcpy_ns(program: Path, source_bytes: int, total: int, cpu: int) -> float:
    """Nanoseconds of libc's memcpy for ``total`` bytes out of ``source_bytes``, again and again from its start.

    Measured by convbench as im2col's copy is: hot, at other places each time, the median.
    """
    argv = [str(program), "probe", "--memcpy", str(source_bytes), str(total), "--cpu", str(cpu)]
    answer = json.loads(subprocess.run(argv, check=True, capture_output=True).stdout)
    return float(answer["memcpy_ns"])


def command() -> None:
    """How near the library comes to this machine's limits: the table and both means."""
    layers = panel()
    with tempfile.TemporaryDirectory() as folder:
        rows = _run(layers, Path(folder))
    program = build("host").path
    cpu = targets(LocalDevice().topology(), None)[-1].cpu
    shares, rates = [], []
    print(f"{'layer':<30} {'GFLOP/s':>8} {'of peak':>8} {'copy GB/s':>10} {'memcpy GB/s':>12} {'ratio':>6}")
    for layer in layers:
        indirect, im2col = rows[layer.name, "indirect"], rows[layer.name, "im2col"]
        share = float(indirect["peak_share"] or "nan")
        matrix = int(im2col["matrix_bytes"])
        copy = matrix / float(im2col["copy_ns"])
        plain = matrix / memcpy_ns(program, 4 * layer.h * layer.w * layer.cin, matrix, cpu)
        shares.append(share)
        rates.append(copy / plain)
        speeds = f"{float(indirect['gflops']):8.1f} {share:8.1%} {copy:10.2f} {plain:12.2f} {copy / plain:6.2f}"
        print(f"{layer.name:<30} {speeds}")
    print(f"indirect, share of FMA peak, geometric mean: {_mean(shares):.1%}")
    print(f"im2col copy against memcpy: least {min(rates):.2f}, geometric mean {_mean(rates):.2f}")


def _mean(values: list[float]) -> float:
    return float(np.exp(np.mean(np.log(values))))


def _run(layers: list[Layer], folder: Path) -> dict[tuple[str, str], dict[str, str]]:
    suite = {"suite": "limits", "policy": "./policy.yaml", "algorithms": ["im2col", "indirect"]}
    keys = ("name", "h", "w", "kh", "kw", "pad", "stride", "cin", "cout")
    values = [{k: v for k, v in layer.model_dump(mode="json").items() if k in keys} for layer in layers]
    (folder / "policy.yaml").write_text(yaml.safe_dump(_POLICY))
    (folder / "limits.yaml").write_text(yaml.safe_dump({**suite, "layers": values}))
    argv = [sys.executable, "-m", "harness.cli", "run", str(folder / "limits.yaml"), "--device", "local"]
    subprocess.run([*argv, "--out", str(folder / "run")], check=True, stdout=subprocess.DEVNULL)
    with (folder / "run" / "results.csv").open(newline="") as file:
        return {(row["layer"], row["algorithm"]): row for row in csv.DictReader(file)}


if __name__ == "__main__":
    start(command)
