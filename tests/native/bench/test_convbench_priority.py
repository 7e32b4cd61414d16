"""The priority of workers: raised as far as the system allows, and what was got is on record."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.store.records import Sample, Worker

pytestmark = pytest.mark.native

# A system that allows no lower nice value than this.
LEAST = """
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
int setpriority(__priority_which_t which, id_t who, int nice) {
    if (nice < atoi(getenv("LEAST_NICE"))) {
        errno = EACCES;
        return -1;
    }
    return (int)syscall(SYS_setpriority, which, who, nice);
}
"""


def may_raise() -> bool:
    """Whether this process may have a higher priority."""
    command = [sys.executable, "-c", "import os; os.setpriority(os.PRIO_PROCESS, 0, -10)"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize(
    ("least", "nice"),
    [
        pytest.param(20, None, id="refused"),
        pytest.param(-5, -5, id="as-far-as-it-goes"),
        pytest.param(-20, -10, id="as-androids-init-allows-its-shell"),
    ],
)
def test_as_far_as_the_system_allows(
    plan: Any, run: Callable[..., Any], tmp_path: Path, need_tool: Callable[[str], str], least: int, nice: int | None
) -> None:
    if nice is not None and not may_raise():
        pytest.skip("may not raise a priority")
    source, library = tmp_path / "least.c", tmp_path / "least.so"
    source.write_text(LEAST)
    subprocess.run([need_tool("gcc"), "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
    result = run(plan, env={**os.environ, "LD_PRELOAD": str(library), "LEAST_NICE": str(least)})
    assert result.code == 0, result.stderr
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert {worker.nice for worker in result.of(Worker)} == {own if nice is None else nice}


def test_one_of_somebody_else_has_the_same(plan: Any, run: Callable[..., Any], tmp_path: Path) -> None:
    """Else the one with the higher priority would win."""
    program = tmp_path / "honest"
    program.write_text(f"#!{sys.executable} -S\n{Path(__file__).with_name('foreign_worker.py').read_text()}")
    program.chmod(0o755)
    plan.foreign = (program,)
    result = run(plan)
    assert {s.build for s in result.of(Sample)} == {w.build for w in result.of(Worker)}
    assert len({w.build for w in result.of(Worker)}) == 2
    assert len({w.nice for w in result.of(Worker)}) == 1
