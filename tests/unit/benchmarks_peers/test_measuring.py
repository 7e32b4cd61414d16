"""The plan of a setting: which variants meet on which layers, in which launches."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks.peers.findings import ALONE, EMPTY
from benchmarks.peers.measuring import Programs, Setting, middle, ours, plan_of, together
from harness.model.layer import Layer
from harness.plan.planfile import Plan, RunLine, render

pytestmark = pytest.mark.unit

CONV = Layer(name="conv", h=8, w=8, kh=3, kw=3, pad=(1, 1, 1, 1), cin=16, cout=16)
POINT = Layer(name="point", h=8, w=8, kh=1, kw=1, cin=16, cout=16)
RUN = RunLine("peers", "0-1", 1, 1, 60, "0", cpus="0-1")
PROGRAMS = Programs(Path("/x/convbench"), ("avx2_6x16",), {"ncnn": Path("/x/ncnn"), "onednn": Path("/x/onednn")})


def made(**changes: object) -> Plan:
    values = {"layers": [CONV, POINT], "peers": ["onednn", "ncnn", "xnnpack"], "cpus": [1], "launches": 3}
    return plan_of(Setting(**{**values, "rounds": 2, "sample_ms": 8.0, **changes}), PROGRAMS, RUN)  # type: ignore[arg-type]


def meet(plan: Plan, layer: str) -> set[tuple[str, int]]:
    """Names and threads of what a layer's jobs have."""
    (found,) = {job.variants for job in plan.jobs if job.layer == layer}
    return {(v.label or v.asked.name, v.threads) for v in plan.variants if v.index in found}


def test_all_meet_in_every_launch() -> None:
    plan = made()
    render(plan)
    assert [(build.name, build.foreign) for build in plan.builds] == [
        ("ours", False),
        ("onednn", True),  # in the order asked for; xnnpack has no program
        ("ncnn", True),
    ]
    assert sorted((job.launch, job.layer) for job in plan.jobs) == [
        (launch, layer) for launch in range(3) for layer in ("conv", EMPTY, "point")
    ]
    names = {name for name, _ in meet(plan, "conv")}
    assert {"auto", "im2col/best", "indirect/avx2_6x16+regions+ahead", "onednn", "ncnn"} <= names
    assert not any(name.startswith("direct") for name in names)
    assert "direct/avx2_6x16" in {name for name, _ in meet(plan, "point")}
    assert meet(plan, EMPTY) == {("onednn", 1), ("ncnn", 1)}
    assert plan.measure.min_ns == 8_000_000
    orders = [[job.layer for job in plan.jobs if job.launch == launch] for launch in range(3)]
    assert len({tuple(order) for order in orders}) > 1
    assert made() == plan


def test_names_fit_into_records_and_are_unlike() -> None:
    for threads in (1, 2):
        names = [name.removeprefix("ours ") for name in ours(("avx512_6x64", "avx2_6x16"), threads)]
        assert max(map(len, names)) < 64
        assert len(set(names)) == len(names)


def test_on_two_threads_one_thread_is_measured_beside_them() -> None:
    plan = made(cpus=[1, 0])
    threads = dict(meet(plan, "conv"))
    assert threads.pop(ALONE.removeprefix("ours ")) == 1
    assert set(threads.values()) == {2}
    assert "threads=2" in render(plan) and " cpus=0-1 " in render(plan)
    assert ALONE not in ours(PROGRAMS.kernels, 1)


def test_pairs_alone() -> None:
    plan = made(layers=[CONV], peers=["ncnn"], only=frozenset({("conv", "ours auto"), ("conv", "ncnn")}))
    assert meet(plan, "conv") == {("auto", 1), ("ncnn", 1)}
    assert meet(plan, EMPTY) == {("ncnn", 1)}
    assert len(plan.variants) == 2


def test_without_peers_there_is_no_empty_call() -> None:
    plan = made(peers=[])
    assert {job.layer for job in plan.jobs} == {"conv", "point"}


def test_middle() -> None:
    assert middle([3.0, 1.0, 2.0]) == 2.0
    assert middle([]) != middle([])


@pytest.mark.parametrize(("ok", "found"), [("true", [2.0, 2.0, 2.0]), ("false", [])])
def test_together_is_of_flop_per_cycle_whatever_the_clocks(tmp_path: Path, ok: str, found: list[float]) -> None:
    exe, cpu = tmp_path / "convbench", min(os.sched_getaffinity(0))
    exe.write_text(
        f'#!/bin/sh\necho "{{\\"peak\\": {{\\"ok\\": {ok}, \\"flop_per_cycle\\": 32, \\"gflops\\": $$}}}}"\n'
    )
    exe.chmod(0o755)
    assert together(exe, [cpu, cpu]) == found
    assert together(exe, [cpu]) == [1.0]
