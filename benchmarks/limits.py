"""How near the library comes to this machine's limits: FMA peak for `indirect`, memcpy for the im2col copy.

Over the 3x3 layers of resnet18 and vgg16_d with at least 64 channels in and out, `hot`, one core.
"""

from __future__ import annotations

import csv
import ctypes
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import yaml

from harness.config.layer import Layer
from harness.config.suite import load_suite
from harness.devices.local import LocalDevice
from harness.measure.clusters import targets

_LIBC = ctypes.CDLL(None)
_LIBC.memcpy.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
_POLICY = {"launches": 4, "rounds": 6, "min_ms": 10, "block_budget_s": 20, "cache": ["hot"]}


def panel() -> list[Layer]:
    """The layers, each shape once."""
    found: dict[object, Layer] = {}
    for name in ("resnet18", "vgg16_d"):
        for layer in load_suite(name).layers:
            if (layer.kh, layer.kw, layer.groups) == (3, 3, 1) and min(layer.cin, layer.cout) >= 64:
                found.setdefault(layer.shape_key, layer.model_copy(update={"name": f"{name}-{layer.name}"}))
    return list(found.values())


def memcpy_ns(source_bytes: int, total: int) -> float:
    """Nanoseconds to copy ``total`` bytes out of a source of ``source_bytes``, again and again from its start.

    The least of several, on buffers placed anew each time.
    """
    times = []
    for _ in range(9):
        source = np.ones(source_bytes + 8192, np.uint8)
        target = np.ones(total + 8192, np.uint8)
        sizes = [min(source_bytes, total - done) for done in range(0, total, source_bytes)]
        for _ in range(2):  # the second pass is the warm one
            place, began = target.ctypes.data, time.perf_counter_ns()
            for size in sizes:
                _LIBC.memcpy(place, source.ctypes.data, size)
                place += size
            taken = time.perf_counter_ns() - began
        times.append(taken)
    return float(min(times))


def main() -> None:
    """Measures and prints the table and both means."""
    layers = panel()
    with tempfile.TemporaryDirectory() as folder:
        rows = _run(layers, Path(folder))
    os.sched_setaffinity(0, {targets(LocalDevice().topology(), None)[-1].cpu})
    shares, rates = [], []
    print(f"{'layer':<30} {'GFLOP/s':>8} {'of peak':>8} {'copy GB/s':>10} {'memcpy GB/s':>12} {'ratio':>6}")
    for layer in layers:
        indirect, im2col = rows[layer.name, "indirect"], rows[layer.name, "im2col"]
        share = float(indirect["peak_share"] or "nan")
        matrix = int(im2col["matrix_bytes"])
        copy = matrix / float(im2col["copy_ns"])
        plain = matrix / memcpy_ns(4 * layer.h * layer.w * layer.cin, matrix)
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
    main()
