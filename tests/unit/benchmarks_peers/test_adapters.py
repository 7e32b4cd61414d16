"""Adapters: what they share, with a library that is made up."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.peers import environment
from harness.errors import InfrastructureError

pytestmark = pytest.mark.unit

WORKERS = Path(__file__).parents[3] / "native" / "workers"


@pytest.fixture(autouse=True)
def _path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(WORKERS))


@pytest.fixture
def layer() -> Any:
    from worker import Layer

    return Layer("a", 1, 2, 2, 3, 2, 2, 4, (1, 1), (0, 0, 0, 0), (1, 1), (1, 1), 1, -np.inf, np.inf)


@pytest.fixture
def tensors() -> Any:
    from worker import Tensors

    sizes = (12, 12, 4, 16)
    return Tensors(*(memoryview(bytearray(4 * size)).cast("f") for size in sizes))


def test_another_layout_at_the_same_place(tensors: Any) -> None:
    from adapters.made import at, laid

    images = at(tensors.input, (1, 2, 2, 3))
    images[...] = np.arange(12).reshape(images.shape)
    data = images.copy()
    there = laid(tensors.input, data.transpose(0, 3, 1, 2))
    assert there.shape == (1, 3, 2, 2)
    assert list(tensors.input) == [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11]
    padded = laid(tensors.input, np.zeros((1, 4, 2, 2), np.float32))
    assert padded.size == 16 and list(tensors.input)[1] == 3  # as many as it has, or elsewhere


def made_up(calls: list[str]) -> Callable[..., Any]:
    """Modes `slow`, `fast` and one that fails; each lays the input out anew."""
    from time import sleep

    from adapters.made import Made, laid

    def make(name: str, data: Any, tensors: Any) -> Any:
        if name == "broken":
            raise ValueError("no such layer")
        x = laid(tensors.input, data.x[..., ::-1])

        def call() -> Any:
            calls.append(name)
            sleep(0.002 if name == "slow" else 0)
            return x * 2

        return Made(call, lambda out: out)

    def modes(_peer: str, _layer: Any, data: Any, tensors: Any) -> Any:
        return {name: lambda name=name: make(name, data, tensors) for name in ("slow", "broken", "fast")}

    return modes


def test_the_fastest_mode_is_kept_and_the_input_stays_what_it_was(layer: Any, tensors: Any) -> None:
    from adapters.__main__ import Adapter, destroy, read, run

    calls: list[str] = []
    adapter = Adapter("peer", made_up(calls))
    tensors.input[0] = 7
    made = adapter.create(layer, tensors)
    assert made.mode == "fast" and "slow" in calls
    calls.clear()
    again = adapter.create(layer, tensors)  # its tensors hold what the modes before made of them
    assert calls == []
    run(again)
    assert list(read(again).cast("f"))[:3] == [0, 0, 14]
    destroy(again)
    assert again.keep == () and again.last is None


def test_what_is_not_covered_is_skipped_with_the_reasons(layer: Any, tensors: Any) -> None:
    from dataclasses import replace

    from adapters.__main__ import Adapter
    from worker import Skip

    with pytest.raises(Skip, match="not covered by this peer"):
        Adapter("peer", lambda *_: {}).create(layer, tensors)
    broken = made_up([])
    with pytest.raises(Skip, match="broken: ValueError: no such layer"):
        Adapter("peer", lambda *a: {"broken": broken(*a)["broken"]}).create(layer, tensors)
    with pytest.raises(Skip, match="clamp"):
        Adapter("peer", broken).create(replace(layer, output_min=0.0), tensors)


def test_the_program_of_a_peer_starts_it_with_what_rules_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "64")
    monkeypatch.setattr(environment, "folder", lambda: tmp_path / "it's")
    python = tmp_path / "a python"
    python.write_text('#!/bin/sh\nenv\nprintf "<%s>" "$@"\n')
    python.chmod(0o755)
    script = environment.worker("onednn_avx2", python, 2, False, tmp_path)
    said = subprocess.run([script, "worker"], capture_output=True, text=True, check=True, env=environment.base())
    assert said.stdout.endswith("<-m><adapters><onednn_avx2><worker>")
    for told in ("OMP_NUM_THREADS=2", "ONEDNN_MAX_CPU_ISA=AVX2", "PEERS_NO_AVX512=1", f"PYTHONPATH={WORKERS}"):
        assert told in said.stdout.splitlines()


def test_versions_or_the_reason(tmp_path: Path) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_text(f"#!{sys.executable}\nprint('hello')\nprint('{{\"lib\": \"1\"}}')\n")
    bad.write_text("#!/bin/sh\necho Traceback >&2\necho 'ModuleNotFoundError: ncnn' >&2\nexit 1\n")
    for script in (good, bad):
        script.chmod(0o755)
    assert environment.versions(good) == {"lib": "1"}
    with pytest.raises(InfrastructureError, match="bad: ModuleNotFoundError: ncnn"):
        environment.versions(bad)
