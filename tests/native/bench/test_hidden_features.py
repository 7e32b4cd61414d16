"""A copy of convbench that takes this machine for one without AVX-512 (benchmarks/peers/hidden_features.py)."""

from __future__ import annotations

import json
import platform
import subprocess
from pathlib import Path

import pytest

from benchmarks.peers.hidden_features import hide_avx512, hide_in_environment, require

pytestmark = [
    pytest.mark.native,
    pytest.mark.skipif(platform.machine() != "x86_64", reason="AVX-512 is x86's"),
]


def answer(program: Path, word: str) -> dict[str, object]:
    done = subprocess.run([program, word], capture_output=True, text=True, check=True, timeout=60)
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_a_program_has_all_but_what_is_hidden(convbench: Path, tmp_path: Path) -> None:
    real = answer(convbench, "info")
    copy = tmp_path / "copy"
    assert hide_avx512(convbench, copy) > 0
    found = answer(copy, "info")
    assert isinstance(real["cpu_features"], list)
    assert found["cpu_features"] == [name for name in real["cpu_features"] if "avx512" not in name]
    assert answer(convbench, "info")["cpu_features"] == real["cpu_features"]


def test_an_environment_is_copied_and_only_what_asks_is_written(convbench: Path, tmp_path: Path) -> None:
    venv, out = tmp_path / "venv", tmp_path / "out"
    venv.mkdir()
    (venv / "asks.so").write_bytes(convbench.read_bytes())
    # The bytes of the question as data, and in a file that is no program.
    (venv / "text.so").write_bytes(b"\x31\xc9\x0f\x01\xd0")
    (venv / "link.so").symlink_to("asks.so")
    before = (venv / "asks.so").read_bytes()
    assert list(hide_in_environment(venv, out)) == ["asks.so"]
    assert (venv / "asks.so").read_bytes() == before != (out / "asks.so").read_bytes()
    assert (out / "text.so").samefile(venv / "text.so")
    assert (out / "link.so").is_symlink()


def test_nothing_to_hide_is_said(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"none")
    with pytest.raises(ValueError, match="never asks"):
        hide_avx512(tmp_path / "text", tmp_path / "out")


def test_a_peer_that_never_asks_is_refused() -> None:
    asked = dict.fromkeys(
        ("libtorch_cpu.so", "onnxruntime_pybind11_state.so", "ncnn.so", "libpywrap_litert_common.so"), 1
    )
    require(asked)
    del asked["ncnn.so"]
    with pytest.raises(ValueError, match="ncnn was not seen"):
        require(asked)
