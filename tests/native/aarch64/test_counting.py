"""The qemu plugin counts exactly what a program executes, by class."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.aarch64.counting import build_plugin, compile_with_zig, execute, read_counts
from benchmarks.aarch64.tools import plugin_qemu
from harness.errors import InfrastructureError

pytestmark = pytest.mark.native

HERE = Path(__file__).parent
ONCE = {"integer": 6, "branch": 1}
AGAIN = {
    "fma": 5,
    "vector_load": 7,
    "load": 5,
    "store": 5,
    "prefetch": 3,
    "vector": 6,
    "branch": 2,
    "integer": 5,
}


@pytest.fixture
def qemu(cannot_run: Callable[[str], None]) -> str:
    try:
        return plugin_qemu()[0]
    except InfrastructureError as error:
        cannot_run(str(error))
        raise


def test_every_class_is_counted_exactly(qemu: str, tmp_path: Path) -> None:
    program = tmp_path / "counted"
    source = HERE / "counted.S"
    compile_with_zig(["-target", "aarch64-linux-musl", "-nostdlib", "-static", "-o", str(program), str(source)])
    plugin = build_plugin(tmp_path / "plugin")
    done = execute(qemu, plugin, tmp_path / "counts.txt", program, [])
    assert done.returncode == 0, done.stderr
    counts = read_counts(tmp_path / "counts.txt")
    assert counts == {name: 100 * number + ONCE.get(name, 0) for name, number in AGAIN.items()}


def test_a_missing_result_is_said(tmp_path: Path) -> None:
    with pytest.raises(InfrastructureError, match="without the plugin"):
        read_counts(tmp_path / "none")
