"""Real libraries under convbench, here and for arm64 in an emulator, where `harness comparators fetch` was asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.comparators import building, places
from harness.comparators.table import named
from harness.store.records import Check, Error, Layer, Sample, Skip

pytestmark = pytest.mark.native
LAYERS: dict[str, dict[str, Any]] = {
    "square": {"h": 9, "w": 9, "cin": 16, "cout": 16, "min": 0},
    "odd": {"h": 8, "w": 7, "cin": 5, "cout": 7, "kh": 1, "kw": 1, "pad": 0, "stride": 2, "batch": 2},
    "depthwise": {"h": 8, "w": 8, "cin": 8, "cout": 8, "groups": 8},
    "dilated": {"h": 9, "w": 9, "cin": 4, "cout": 8, "dilation": 2, "pad": 2},
}


def program(name: str, abi: str) -> Path:
    """The worker of a comparator's library; where it is not fetched the test is skipped with the command."""
    library = named(name, "").library
    if abi not in library.abis or building.record_of(library, abi) is None:
        pytest.skip(f"not fetched: harness comparators fetch {name} --abi {abi}")
    return places.built(library, abi) / library.library


def prepared(plan: Any, make_layer: Callable[..., str], *workers: Path) -> Any:
    plan.foreign, plan.algorithms, plan.rounds = workers, ("indirect",), 1
    shapes = [(name, dict(shape)) for name, shape in LAYERS.items()]
    plan.layers = [make_layer(name, *(s.pop(key) for key in ("h", "w", "cin", "cout")), **s) for name, s in shapes]
    return plan


@pytest.mark.parametrize("name", ["xnnpack", "onnxruntime"])
def test_on_this_machine(plan: Any, run: Callable[..., Any], make_layer: Callable[..., str], name: str) -> None:
    prepared(plan, make_layer, program(name, "host")).caches = ("hot", "rotate")
    plan.layers += [make_layer("large", 40, 40, 32, 32)]  # long enough for rotate, which others may be too short for
    result = run(plan)
    assert result.code == 0, [*result.of(Error), result.stderr]
    measured = {(s.layer, s.cache) for s in result.of(Sample) if s.algorithm == name}
    assert measured >= {("large", "rotate"), *((layer, "hot") for layer in (*LAYERS, "large"))}
    assert {s.reason for s in result.of(Skip) if s.algorithm == name} <= {
        "a call is shorter than 1000 ticks of the timer"
    }
    assert all(check.ok for check in result.of(Check))
    told = [each for each in result.of(Layer) if each.algorithm == name]
    assert {each.layer for each in told} == {*LAYERS, "large"}
    if name == "xnnpack":  # indirection for all but a 1x1 of stride 1
        assert all(each.weights_bytes > 0 and each.pointer_bytes > 0 and each.matrix_bytes == 0 for each in told)
    else:
        assert any(each.matrix_bytes > 0 for each in told)


def test_acl_in_an_emulator(
    plan: Any,
    run: Callable[..., Any],
    make_layer: Callable[..., str],
    need_tool: Any,
    arm64_convbench: Path,
    tmp_path: Path,
) -> None:
    qemu, acl = need_tool("qemu-aarch64-static"), program("acl", "arm64-v8a")
    names = ("acl", "acl-gemm-conv2d", "acl-winograd", "acl-fft", "acl-nosuch")
    for name in names:
        (tmp_path / name).write_text(f'#!/bin/sh\nexec {qemu} {acl} "$@"\n')
        (tmp_path / name).chmod(0o755)
    plan.exe = arm64_convbench
    result = run(prepared(plan, make_layer, *(tmp_path / name for name in names)), arm64_convbench)
    covered = {(s.algorithm, s.layer) for s in result.of(Sample) if s.algorithm != "indirect"}
    assert covered >= {("acl", layer) for layer in LAYERS}
    assert covered >= {("acl-winograd", "square"), ("acl-fft", "square"), ("acl-gemm-conv2d", "square")}
    assert all(check.ok for check in result.of(Check))
    skipped = {(s.algorithm, s.layer): s.reason for s in result.of(Skip)}
    assert skipped["acl-winograd", "dilated"] == "this method has no dilation and no groups"
    assert "NEFFTConvolutionLayer" in skipped["acl-fft", "odd"]
    told = {(each.algorithm, each.layer): each for each in result.of(Layer)}
    assert told["acl", "depthwise"].kernel == "depthwise" and told["acl", "square"].kernel
    assert told["acl-winograd", "square"].matrix_bytes > 0 and told["acl-winograd", "square"].weights_bytes > 9 * 1024
    # What throws is an error with its words, and the others go on.
    errors = {(e.algorithm, e.layer): e.reason for e in result.of(Error)}
    assert errors == {
        ("acl-nosuch", layer): "the worker is called acl-nosuch, which is none of its methods"
        for layer in ("square", "odd")  # the others are skipped
    }
