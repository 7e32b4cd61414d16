"""Variants of several threads: of ours, of the shim's and of worker.py's, each told its CPUs and held to them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.devices.base import format_cpus
from harness.store.records import Check, Error, Sample, Worker

WORKERS = Path(__file__).resolve().parents[3] / "native" / "workers"
SEE = """
#define _GNU_SOURCE
#include <sched.h>
#define main example_main
int example_main(int, char **);
#include "example.c"
#undef main
static const char *see(const shim_layer *layer, const shim_tensors *tensors, void **object) {
    cpu_set_t set;
    sched_getaffinity(0, sizeof set, &set);
    return (size_t)CPU_COUNT(&set) == layer->threads ? create(layer, tensors, object) : "other CPUs than threads";
}
int main(int argc, char **argv) {
    const shim_functions functions = {see, run, destroy};
    return shim_main(argc, argv, &functions);
}
"""

pytestmark = pytest.mark.native


@pytest.fixture
def threaded(plan: Any) -> Callable[..., Any]:
    """`threaded(program)`: the plan on two CPUs; of each variant one on one thread and one on two."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        pytest.skip("needs two CPUs")

    def threaded(*programs: Path) -> Any:
        plan.run |= {"cpu": allowed[1], "cpus": format_cpus(allowed[:2])}
        plan.foreign, plan.algorithms = programs, () if programs else ("im2col", "auto")
        lines = plan.variants()
        double = [line.replace("threads=1", "threads=2") for line in lines]
        every = [" ".join([f"variant index={i}", *line.split()[2:]]) for i, line in enumerate(lines + double)]
        plan.variants = lambda: every
        return plan

    return threaded


def places(result: Any) -> set[tuple[int, int, int]]:
    return {(s.threads, s.cpu_before, s.cpu_after) for s in result.of(Sample)}


def test_ours(threaded: Callable[..., Any], run: Callable[..., Any]) -> None:
    plan = threaded()
    result = run(plan)
    assert result.code == 0, [*result.of(Error), result.stderr]
    samples = result.of(Sample)
    assert len(samples) == 4 * plan.rounds
    cpu = plan.run["cpu"]
    assert places(result) == {(1, cpu, cpu), (2, cpu, cpu)}  # the worker's own thread
    names = {threads: {s.variant for s in samples if s.threads == threads} for threads in (1, 2)}
    assert len(names[1]) == len(names[2]) == 2
    assert all(check.ok for check in result.of(Check))


def test_the_shim(
    threaded: Callable[..., Any], run: Callable[..., Any], need_tool: Callable[[str], str], tmp_path: Path
) -> None:
    source, program = tmp_path / "see.c", tmp_path / "see"
    source.write_text(SEE)
    sources = [str(source), str(WORKERS / "shim.c")]
    subprocess.run([need_tool("gcc"), "-O2", f"-I{WORKERS}", "-o", program, *sources, "-lm"], check=True)
    judge(threaded(program), run)


def test_worker_py(threaded: Callable[..., Any], run: Callable[..., Any], tmp_path: Path) -> None:
    shutil.copy(WORKERS / "worker.py", tmp_path)
    program = tmp_path / "see"
    text = (WORKERS / "example.py").read_text().partition("\n")[2]
    old = "    made = Convolution(layer, tensors)\n"
    assert old in text
    see = "    import os\n    if len(os.sched_getaffinity(0)) != layer.threads:\n        raise Skip('other CPUs')\n"
    program.write_text(f"#!{sys.executable} -S\n{text.replace(old, see + old)}")
    program.chmod(0o755)
    judge(threaded(program), run)


def judge(plan: Any, run: Callable[..., Any]) -> None:
    result = run(plan)
    assert result.code == 0, [*result.of(Error), result.stderr]
    assert len(result.of(Sample)) == 2 * plan.rounds
    cpu, cpus = plan.run["cpu"], plan.run["cpus"]
    assert (1, cpu, cpu) in places(result)
    assert {threads for threads, *_ in places(result)} == {1, 2}
    assert {worker.cpus for worker in result.of(Worker) if worker.build == "see"} == {cpus}


def test_one_that_does_not_say_that_it_has_them(
    threaded: Callable[..., Any], run: Callable[..., Any], tmp_path: Path
) -> None:
    program = tmp_path / "honest"
    program.write_text(f"#!{sys.executable} -S\n{Path(__file__).with_name('foreign_worker.py').read_text()}")
    program.chmod(0o755)
    result = run(threaded(program))
    assert {s.threads for s in result.of(Sample)} == {1}
    assert {e.reason.partition(": '")[0] for e in result.of(Error)} == {
        "created for 1 thread(s), but threads=2 was asked for"
    }
    assert result.code == 3
