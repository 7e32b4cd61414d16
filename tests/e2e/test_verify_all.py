"""Every shape of every shipped suite, made smaller, is right with every algorithm: on this machine and on arm64."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from math import gcd
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.devices.base import Cluster
from harness.measure.clusters import Target
from harness.measure.once.plan import once_plan
from harness.measure.request import Request
from harness.model.layer import Layer
from harness.model.policy import load_policy
from harness.model.suite import list_suites, load_suite
from harness.model.variant import ALGORITHMS
from harness.store import records
from harness.store.recordsfile import parsed
from harness.toolchain.builder import build

pytestmark = pytest.mark.e2e

HOST_MACS, ARM64_MACS = 10_000_000, 1_400_000
LARGE_MACS = 10_000_000  # of kernels over 5x5: what is left of some when all else is at its least
KEYS = ("name", "h", "w", "kh", "kw", "pad", "stride", "dilation", "groups", "batch", "cin", "cout", "min", "max")
PIXELS = 7  # output rows and columns that are kept if there is room: over one tile of every kernel
BLOCK = 64  # channels are cut by multiples of it, so that what is left over in the last vector stays


def shapes() -> list[Layer]:
    """Every distinct shape of the shipped suites."""
    found: dict[object, Layer] = {}
    for suite in list_suites():
        for layer in load_suite(suite).layers:
            found.setdefault(layer.shape_key, layer.model_copy(update={"name": f"{suite}-{layer.name}"}))
    return list(found.values())


def kind(layer: Layer) -> tuple[object, ...]:
    """What must not get lost in scaling: it decides the way through the library."""
    ends = (layer.cin % BLOCK, layer.cout % BLOCK)
    return (layer.kh, layer.kw, layer.stride, layer.dilation, layer.groups, *ends, layer.pad)


def sizes(layer: Layer) -> Iterator[dict[str, int]]:
    """Smaller and smaller: first the output down to PIXELS, then channels by multiples of BLOCK, then the rest."""
    (top, right, bottom, left), (sh, sw), (dh, dw) = layer.pad, layer.stride, layer.dilation
    least_h = max(1, (layer.kh - 1) * dh + 1 - top - bottom)
    least_w = max(1, (layer.kw - 1) * dw + 1 - left - right)
    h, w, cin, cout = layer.h, layer.w, layer.cin, layer.cout
    step = BLOCK * layer.groups // gcd(BLOCK, layer.groups)
    while True:
        yield {"h": h, "w": w, "cin": cin, "cout": cout}
        enough_h, enough_w = least_h + (PIXELS - 1) * sh, least_w + (PIXELS - 1) * sw
        if h > enough_h or w > enough_w:
            # By halves, which keeps what a stride leaves over where the size was odd or even.
            h, w = max(enough_h, h - 2 * ((h + 3) // 4)), max(enough_w, w - 2 * ((w + 3) // 4))
        elif max(cin, cout) > 2 * step:
            cin, cout = (c - step if c == max(cin, cout) and c > 2 * step else c for c in (cin, cout))
        elif h > least_h + 2 * sh or w > least_w + 2 * sw:
            h, w = max(least_h + 2 * sh, h - 1), max(least_w + 2 * sw, w - 1)
        elif layer.groups == 1 and max(cin, cout) > step:
            cin, cout = (c - step if c > step else c for c in (cin, cout))
        else:
            return


def scaled(layer: Layer, most: int) -> Layer:
    """The first of sizes() with at most ``most`` multiplications, else the last."""
    smaller = layer
    for size in sizes(layer):
        smaller = layer.model_copy(update=size)
        if smaller.macs <= most:
            break
    return Layer.model_validate(smaller.model_dump())  # checked anew


def distinct(layers: list[Layer]) -> list[Layer]:
    return list({layer.shape_key: layer for layer in layers}.values())


def applicable(layer: Layer) -> set[str]:
    """The algorithms that must be right on a layer.

    direct is for 1x1 layers that read the input as it lies, fft for stride 1 and as many weights as have spectra that
    fit the memory, winograd for stride 1 and 3x3.
    """
    pointwise = (layer.kh, layer.kw, layer.stride, layer.groups) == (1, 1, (1, 1), 1) and not any(layer.pad)
    dense = (layer.stride, layer.dilation) == ((1, 1), (1, 1))
    few = layer.cin // layer.groups * layer.cout <= 3 << 19
    fits = {
        "direct": pointwise,
        "fft": few and layer.stride == (1, 1),
        "winograd": dense and (layer.kh, layer.kw) == (3, 3),
    }
    return {name for name in ALGORITHMS if fits.get(name, True)}


def smaller(most: int) -> list[Layer]:
    layers = shapes()
    small = distinct([scaled(layer, most) for layer in layers])
    assert {kind(layer) for layer in small} == {kind(layer) for layer in layers}
    assert all(layer.macs <= (max(most, LARGE_MACS) if layer.kh > 5 else most) for layer in small)
    return small


def test_on_this_machine(harness: Callable[..., Any], tmp_path: Path) -> None:
    layers = smaller(HOST_MACS)
    values = [{key: layer.model_dump(mode="json")[key] for key in KEYS} for layer in layers]
    (tmp_path / "all.yaml").write_text(yaml.safe_dump({"suite": "all", "layers": values}))
    done = harness("verify", "all.yaml", "--device", "local", "--algorithms", ",".join(ALGORITHMS), "--json")
    assert done.code == 0, done.err
    (device,) = json.loads(done.out)["devices"]
    wanted = sum(len(applicable(layer)) for layer in layers)
    assert (device["right"], device["wrong"], device["messages"]) == (wanted, [], [])
    assert device["skipped"] == len(ALGORITHMS) * len(layers) - wanted
    assert 0 < device["worst_error_over_bound"] <= 1


def test_arm64_under_emulation(need_tool: Callable[[str], str], tmp_path: Path) -> None:
    qemu = need_tool("qemu-aarch64-static")
    every = sorted(smaller(ARM64_MACS), key=lambda layer: -layer.macs)
    layers = list({kind(layer): layer for layer in every}.values())  # the smallest: all of a kind go the same way
    script = tmp_path / "convbench"  # the conductor starts its workers by this name too
    script.write_text(f'#!/bin/sh\nexec {qemu} {build("arm64-v8a", "zig").path} "$@"\n')
    script.chmod(0o755)
    cpu = max(os.sched_getaffinity(0))
    request = Request("all", tuple(layers), load_policy("quick"), ALGORITHMS, seed=0)
    plan = once_plan(request, Target(Cluster((cpu,)), cpu, ()), "verify-all", str(script), 3600)
    (tmp_path / "all.plan").write_text(plan)
    done = subprocess.run([script, "verify", tmp_path / "all.plan"], capture_output=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr.decode() + done.stdout.decode()[-2000:]
    right: dict[str, Counter[str]] = {layer.name: Counter() for layer in layers}
    kernels = set()
    for record in parsed(done.stdout):
        assert not isinstance(record, str | records.Error), record
        if isinstance(record, records.Check):
            assert record.ok, record
            algorithm, _, kernel = record.variant.partition("/")
            right[record.layer][algorithm] += 1
            kernels.add(kernel)
    assert right == {layer.name: Counter(applicable(layer)) for layer in layers}
    assert any(kernel.startswith("neon") for kernel in kernels), kernels
