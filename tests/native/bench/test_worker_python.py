"""A library in Python as a worker: three functions and worker.py, under convbench."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.store.records import Check, Error, Sample, Skip

WORKERS = Path(__file__).resolve().parents[3] / "native" / "workers"

pytestmark = pytest.mark.native


@pytest.fixture
def example(tmp_path: Path) -> Callable[..., Path]:
    """`example(without_numpy, old, new)`: the example as a program called `example`, worker.py beside it."""

    def example(without_numpy: bool = False, old: str = "", new: str = "") -> Path:
        shutil.copy(WORKERS / "worker.py", tmp_path)
        program = tmp_path / "example"
        text = (WORKERS / "example.py").read_text()
        assert old in text
        _, _, rest = text.partition("\n")
        options = "-S" if without_numpy else ""  # no packages of the environment
        program.write_text(f"#!{sys.executable} {options}\n{rest.replace(old, new)}")
        program.chmod(0o755)
        return program

    return example


def prepared(plan: Any, make_layer: Callable[..., str], program: Path, more: int = 0) -> Any:
    """`more` pixels a side: NumPy is too fast for small layers in `rotate`."""
    plan.foreign, plan.algorithms, plan.caches = [program], ("indirect",), ("hot", "rotate")
    plan.measure["llc_bytes"] = 1 << 13
    plan.layers = (
        make_layer("clamped", 7 + more, 6 + more, 4, 8, min=-0.5, max=0.5),
        make_layer("strided", 9 + more, 8 + more, 4, 4, stride=2, dilation=2, pad=2),
        make_layer("batches", 5 + more, 5 + more, 3, 5, batch=3, kh=1, kw=1, pad=0),
        make_layer("grouped", 5 + more, 5 + more, 4, 6, groups=2),
    )
    return plan


def others(result: Any, kind: type[Any]) -> list[Any]:
    return [record for record in result.of(kind) if record.algorithm == "example"]


@pytest.mark.parametrize("without_numpy", [False, True])
def test_the_example(
    plan: Any, run: Callable[..., Any], make_layer: Any, example: Callable[..., Path], without_numpy: bool
) -> None:
    result = run(prepared(plan, make_layer, example(without_numpy), 0 if without_numpy else 60))
    assert result.code == 0, [*result.of(Error), result.stderr]
    layers = {"clamped", "strided", "batches", *(["grouped"] if without_numpy else [])}
    samples = others(result, Sample)
    assert len(samples) == len(layers) * 2 * plan.rounds
    assert {s.layer for s in samples} == layers
    assert all(c.ok and c.error_over_bound < 0.2 for c in others(result, Check))
    skipped = {"groups are not covered with NumPy"} if not without_numpy else set()
    assert {s.reason for s in others(result, Skip)} == skipped
    assert {(s.cpu_before, s.cpu_after) for s in samples} == {(0, 0)}
    assert all(s.copies > 1 for s in samples if s.cache == "rotate")
    assert all(s.settle_ns > 0 and s.settle_capped is not None and s.nivcsw is not None for s in samples)
    clocks = {s.mhz_before is not None and 100 < s.mhz_before < 1e5 for s in samples}
    assert clocks == {platform.machine() == "x86_64"}


FAULTS = {
    "raises": ("    (_products if numpy else _plain)(made)", "    [][1]", "IndexError: list index out of range"),
    "ends": ("    (_products if numpy else _plain)(made)", "    raise SystemExit(7)", "the worker ended with status 7"),
    "wrong": ("    (_products if numpy else _plain)(made)", "    pass", ""),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_of_the_functions(
    plan: Any, run: Callable[..., Any], make_layer: Any, example: Callable[..., Path], name: str
) -> None:
    old, new, reason = FAULTS[name]
    prepared(plan, make_layer, example(True, old, new))
    plan.layers = plan.layers[:1]
    result = run(plan)
    assert not others(result, Sample)
    assert [e.reason for e in others(result, Error)] == ([reason] if reason else [])
    assert [c.ok for c in others(result, Check)] == ([] if reason else [False])
    assert result.code == (3 if reason else 1)
    assert "Traceback" in result.stderr or name != "raises"


def test_what_create_allocates_lies_elsewhere_in_each_sample(
    plan: Any, run: Callable[..., Any], make_layer: Any, example: Callable[..., Path], tmp_path: Path
) -> None:
    """The tensors' places, as `create` sees them, are no two alike."""
    see = (
        "    import ctypes\n    at = ctypes.addressof(ctypes.c_char.from_buffer(tensors.output))\n"
        f"    with open({str(tmp_path / 'places')!r}, 'a') as file:\n        print(at, file=file)\n"
        "    made = Convolution(layer, tensors)\n"
    )
    prepared(plan, make_layer, example(True, "    made = Convolution(layer, tensors)\n", see))
    plan.layers, plan.caches, plan.rounds = plan.layers[:1], ("hot",), 6
    assert run(plan).code == 0
    places = (tmp_path / "places").read_text().split()
    assert len(places) == len(set(places)) >= 8
    assert {int(place) % 64 for place in places} == {0}


def test_by_hand_it_says_what_it_is(example: Callable[..., Path]) -> None:
    done = subprocess.run([example()], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "harness run --worker" in done.stderr
