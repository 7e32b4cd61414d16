"""`verify --dump` against NumPy in double precision."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from elftools.elf.elffile import ELFFile

from harness.store.records import Check, End, Skip, parse_record

pytestmark = pytest.mark.native

Array = np.ndarray[Any, np.dtype[Any]]


def reference(x: Array, w: Array, bias: Array, layer: dict[str, Any]) -> tuple[Array, Array]:
    """The exact result (to double precision) and, per output, |bias| + sum |a||b|."""
    top, right, bottom, left = layer["pad"]
    (sh, sw), (dh, dw), groups = layer["stride"], layer["dilation"], layer["groups"]
    x = np.pad(x.astype(np.float64), ((0, 0), (top, bottom), (left, right), (0, 0)))
    w = w.astype(np.float64)
    n, oh, ow, cout = x.shape[0], layer["out_h"], layer["out_w"], layer["cout"]
    exact = np.broadcast_to(bias.astype(np.float64), (n, oh, ow, cout)).copy()
    size = np.abs(exact)
    cin, outs = w.shape[3], cout // groups
    for ky in range(layer["kh"]):
        for kx in range(layer["kw"]):
            rows = x[:, ky * dh : ky * dh + (oh - 1) * sh + 1 : sh, kx * dw : kx * dw + (ow - 1) * sw + 1 : sw]
            for g in range(groups):
                a, b = rows[..., g * cin : (g + 1) * cin], w[g * outs : (g + 1) * outs, ky, kx]
                exact[..., g * outs : (g + 1) * outs] += a @ b.T
                size[..., g * outs : (g + 1) * outs] += np.abs(a) @ np.abs(b).T
    low = -np.inf if layer["min"] is None else layer["min"]
    high = np.inf if layer["max"] is None else layer["max"]
    return np.clip(exact, low, high), size


def test_dump_agrees_with_numpy(plan: Any, convbench: Path, tmp_path: Path, make_layer: Callable[..., str]) -> None:
    plan.algorithms = ("naive", "im2col", "im2col-nchw", "indirect", "direct")
    plan.layers = (
        make_layer("plain", 9, 11, 5, 7),
        make_layer("odd", 12, 10, 6, 20, kh=5, kw=2, pt=0, pr=3, pb=2, pl=1, sh=2, sw=3, dh=1, dw=2, batch=2),
        make_layer("depthwise", 10, 10, 12, 12, groups=12),
        make_layer("clamped", 8, 8, 33, 65, groups=1, min="-0.5", max="1.25"),
        make_layer("zero", 8, 8, 8, 5, min="0", max="0"),  # which to the library would be no clamp
        make_layer("one", 7, 9, 40, 70, kh=1, kw=1, pad=0),
    )
    path, folder = tmp_path / "v.plan", tmp_path / "dump"
    path.write_text(plan.text())
    done = subprocess.run([convbench, "verify", path, "--dump", folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    records = [parse_record(line) for line in done.stdout.splitlines()]
    assert isinstance(records[-1], End)
    assert records[-1].records == len(records)
    skips = [record for record in records if isinstance(record, Skip)]
    assert [(skip.layer, skip.variant) for skip in skips] == [
        (name, "direct") for name in ("plain", "odd", "depthwise", "clamped", "zero")
    ]
    checks = [record for record in records if isinstance(record, Check)]
    compared = 0
    for layer in json.loads((folder / "layers.json").read_text()):
        name = layer["name"]
        x, w, bias = (np.load(folder / f"{name}.{part}.npy") for part in ("input", "weights", "bias"))
        assert x.dtype == w.dtype == bias.dtype == np.float32
        assert x.shape == (layer["batch"], layer["h"], layer["w"], layer["cin"])
        assert w.shape == (layer["cout"], layer["kh"], layer["kw"], layer["cin"] // layer["groups"])
        assert -1 <= x.min() < -0.9
        assert 0.9 < x.max() < 1
        exact, size = reference(x, w, bias, layer)
        terms = (w[0].size + 1) * 2.0**-24
        bound = terms / (1 - terms) * size
        for check in (check for check in checks if check.layer == name):
            output = np.load(folder / f"{name}.{check.algorithm}.{check.schedule}.output.npy")
            assert output.shape == exact.shape
            assert check.outputs == output.size  # small layers are compared whole
            worst = float(np.max(np.abs(output - exact) / bound))
            assert worst <= 1
            assert check.error_over_bound == pytest.approx(worst, rel=1e-6, abs=1e-9)
            relative = float(np.max(np.abs(output - exact) / size))
            assert check.max_error == pytest.approx(relative, rel=1e-6, abs=1e-12)
            compared += 1
    assert compared == 25


def test_wrong_result_is_exit_1(plan: Any, broken_convbench: Path, tmp_path: Path) -> None:
    path = tmp_path / "v.plan"
    path.write_text(plan.text())
    done = subprocess.run([broken_convbench, "verify", path], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    checks = [r for r in (parse_record(line) for line in done.stdout.splitlines()) if isinstance(r, Check)]
    assert len(checks) == 2
    assert not any(check.ok for check in checks)


def test_a_dump_that_finds_no_room_leaves_no_part(
    plan: Any, convbench: Path, tmp_path: Path, make_layer: Callable[..., str]
) -> None:
    plan.layers = (make_layer("large", 64, 64, 8, 8),)  # input: 131,072 bytes and a header
    path, folder = tmp_path / "v.plan", tmp_path / "dump"
    path.write_text(plan.text())
    script = 'trap "" XFSZ; ulimit -f 100; exec "$@"'  # blocks of 1,024 bytes
    argv: list[str | Path] = ["bash", "-c", script, "bash", convbench, "verify", path, "--dump", folder]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "large.input.npy: File too large" in done.stderr + done.stdout
    assert not list(folder.glob("*.npy"))


def test_dump_folder_that_cannot_be_written(plan: Any, convbench: Path, tmp_path: Path) -> None:
    path, blocked = tmp_path / "v.plan", tmp_path / "file"
    path.write_text(plan.text())
    blocked.write_text("")
    done = subprocess.run([convbench, "verify", path, "--dump", blocked], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert str(blocked) in done.stderr


def test_info(convbench: Path) -> None:
    info = json.loads(subprocess.check_output([convbench, "info"]))
    kernels = json.loads(subprocess.check_output([convbench, "info", "--kernels"]))
    with convbench.open("rb") as file:
        section: Any = ELFFile(file).get_section_by_name(".note.gnu.build-id")
        assert info["build_id"] == next(section.iter_notes())["n_desc"]
    assert info["build"] == info["build_id"][:12]
    assert info["default_kernel"] == next(kernel["name"] for kernel in kernels if kernel["supported"])
    assert "scalar" in {kernel["isa"] for kernel in kernels}
    probe = json.loads(subprocess.check_output([convbench, "probe"]))
    assert set(probe) == {"clock", "peak"}
    assert probe["peak"]["gflops"] > 0


def test_caches_are_those_of_the_cpu_asked_for(convbench: Path) -> None:
    cpu = max(os.sched_getaffinity(0))
    caches = json.loads(subprocess.check_output([convbench, "info", "--cpu", str(cpu)]))["caches"]
    sizes = {}
    for index in Path(f"/sys/devices/system/cpu/cpu{cpu}/cache").glob("index*"):
        if (index / "type").read_text().strip() != "Instruction":
            sizes[(index / "level").read_text().strip()] = int((index / "size").read_text().strip().removesuffix("K"))
    assert (caches["l1d"] >> 10, caches["l2"] >> 10) == (sizes.get("1", 0), sizes.get("2", 0))
    absent = json.loads(subprocess.check_output([convbench, "info", "--cpu", "1023"]))["caches"]
    assert absent["l1d"] == 0 and absent["llc_assumed"] is True


def test_memcpy_probe(convbench: Path) -> None:
    argv = [str(convbench), "probe", "--memcpy", "1000", "4096", "--cpu", str(max(os.sched_getaffinity(0)))]
    probe = json.loads(subprocess.check_output(argv))
    assert (probe["source_bytes"], probe["total_bytes"]) == (1000, 4096)
    assert probe["memcpy_ns"] > 1
    done = subprocess.run([*argv[:-1], "1023"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "CPU 1023" in done.stderr
