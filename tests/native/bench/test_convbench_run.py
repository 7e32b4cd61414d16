"""convbench run: what it writes, in which order, where buffers lie, and how it ends."""

from __future__ import annotations

import itertools
import json
import subprocess
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.store.records import Check, End, Error, Gate, Header, Job, Layer, Sample, Skip, Worker
from harness.store.system_records import Telemetry

pytestmark = pytest.mark.native

MASK = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15


def shuffled(seed: int, round_: int, count: int) -> list[int]:
    """The order that the plan promises: Fisher-Yates with splitmix64."""
    state = seed ^ ((round_ + 1) * GOLDEN & MASK)
    order = list(range(count))
    for i in range(count - 1, 0, -1):
        state = (state + GOLDEN) & MASK
        z = state
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & MASK
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB & MASK
        j = (z ^ (z >> 31)) % (i + 1)
        order[i], order[j] = order[j], order[i]
    return order


def test_a_variant_of_another_layout_tells_what_bringing_it_there_and_back_takes(
    plan: Any, run: Callable[..., Any], make_layer: Callable[..., str]
) -> None:
    plan.algorithms, plan.caches = ("im2col", "im2col-nchw"), ("hot", "rotate")
    plan.layers = (make_layer("a", 14, 14, 16, 16), make_layer("b", 14, 14, 16, 32, kh=1, kw=1, pad=0))
    plan.launches, plan.rounds = 1, 2
    result = run(plan)
    assert result.code == 0, result.stderr
    samples = result.of(Sample)
    assert {(s.algorithm, s.layout, s.method) for s in samples} == {
        ("im2col", "nhwc", "tiled"), ("im2col-nchw", "nchw", "nchw")}  # fmt: skip
    for s in samples:
        is_turned = s.layout == "nchw"
        assert (s.to_nchw_ns or 0) > 0 < (s.to_nhwc_ns or 0) if is_turned else s.to_nchw_ns is s.to_nhwc_ns is None
        assert is_turned <= (s.copy_ns is not None)
    for check in result.of(Check):
        if check.by == "reference":
            assert check.error_over_bound == pytest.approx(check.max_error / check.bound)
            assert 0 < check.max_error < check.bound < 1e-4


def test_records_of_a_whole_run(plan: Any, run: Callable[..., Any], make_layer: Callable[..., str]) -> None:
    plan.algorithms = ("im2col", "indirect", "direct")
    plan.caches = ("hot", "rotate")
    plan.layers = (make_layer("a", 14, 14, 16, 16), make_layer("b", 28, 28, 32, 32, kh=1, kw=1, pad=0))
    plan.launches, plan.rounds = 2, 8
    result = run(plan)
    assert result.code == 0, result.stderr
    header, end = result.records[0], result.records[-1]
    assert isinstance(header, Header)
    assert isinstance(end, End)
    assert (end.reason, end.records) == ("done", len(result.records))
    assert len(header.build) == 12
    assert len(header.plan_hash) == 64
    assert header.timer.tick_ns > 0
    assert header.conductor_start_ticks > 0
    workers, samples = result.of(Worker), result.of(Sample)
    assert [worker.launch for worker in workers] == [0, 1]
    assert len({worker.pid for worker in workers}) == 2
    assert {worker.cpus for worker in workers} == {"0"}
    assert all(worker.peak.isa for worker in workers)
    pid_of = {worker.launch: worker.pid for worker in workers}
    for s in samples:
        assert s.pid == pid_of[s.launch]
        assert s.cpu_before == s.cpu_after == 0
        least = max(200000, 1000 * header.timer.tick_ns)
        assert s.window_short == (s.window_ns < least) or abs(s.window_ns / least - 1) < 0.2  # each measures its tick
        assert s.cache == "rotate" or s.window_ns == pytest.approx(s.ns * s.calls)
        assert s.cache == "hot" or s.calls >= 5
        assert s.repinned == 0
        assert (s.copies > 1) == (s.cache == "rotate")
        assert (s.copy_ns is not None) == (s.algorithm == "im2col" and s.layer == "a")
        assert s.settle_ns > 0
    calls = defaultdict(set)
    for s in samples:
        calls[s.layer, s.variant, s.cache].add(s.calls)
    assert all(len(numbers) == 1 for numbers in calls.values()), calls  # over all rounds and launches
    assert [(j.launch, j.layer, j.rounds, j.rounds_planned) for j in result.of(Job)] == [
        (launch, layer, 8, 8) for launch in (0, 1) for layer in "ab"
    ]
    gates = result.of(Gate)  # without a sensor the clock decides, where it can be believed here
    assert len(gates) == 2 and {gate.status for gate in gates} <= {"passed", "settled", "capped", "unavailable"}
    assert all(gate.start is None and bool(gate.clock) == (gate.mhz is not None) for gate in gates)
    skips = [skip for skip in result.of(Skip) if not skip.cache]
    assert [(skip.layer, skip.variant, skip.cache) for skip in skips] == [("a", "direct", "")]
    checks = result.of(Check)
    assert all(check.ok for check in checks)
    assert sum(check.by == "reference" for check in checks) == 5
    assert sum(check.by == "checksum" for check in checks) == 10
    first_gate = next(i for i, record in enumerate(result.records) if record.type == "gate")
    assert all(r.type in ("header", "check", "skip") for r in result.records[:first_gate])


IDENTITY = (
    *("layer", "variant", "asked", "algorithm", "method", "kernel", "schedule"),
    *("face", "element", "layout", "threads", "build", "cache"),
)


def test_all_records_of_a_variant_say_alike_what_they_are_about(
    plan: Any, run: Callable[..., Any], tmp_path: Path, make_variant: Callable[..., str]
) -> None:
    """The same keys in the same order, whatever the type."""
    plan.variants = lambda: [make_variant(0, "im2col"), make_variant(1, "direct"), make_variant(2, "auto")]
    run(plan)
    records = [json.loads(line) for line in (tmp_path / "records.jsonl").read_text().splitlines()]
    assert records[0]["version"] == 2
    about = {"layer", "check", "sample", "skip", "error"}
    for record in (record for record in records if record["type"] in about):
        begin = ("type", "seq") if record["type"] == "skip" else ("type", "seq", "launch")
        assert tuple(record)[: len(begin + IDENTITY)] == begin + IDENTITY
        assert record["cache"] == ("hot" if record["type"] == "sample" else "")
        assert (record["element"], record["layout"], record["threads"]) == ("f32", "nhwc", 1)
    (skip,) = (record for record in records if record["type"] == "skip")
    assert [skip[key] for key in ("variant", "asked", "algorithm")] == ["direct"] * 3
    assert [skip[key] for key in ("method", "kernel", "schedule")] == [""] * 3
    auto = next(record for record in records if record.get("asked") == "auto" and record["type"] == "sample")
    assert auto["variant"] == f"auto/{auto['algorithm']}_{auto['schedule']}"
    assert auto["kernel"] == auto["schedule"].partition("+")[0]


def test_bytes_are_the_library_s(plan: Any, run: Callable[..., Any]) -> None:
    layers = {layer.algorithm: layer for layer in run(plan).of(Layer)}
    pixels, taps, cin, cout = 14 * 14, 9, 16, 16
    assert layers["im2col"].matrix_bytes >= pixels * taps * cin * 4
    assert layers["im2col"].pointer_bytes == 0
    assert layers["indirect"].pointer_bytes >= pixels * taps * 8
    assert layers["indirect"].matrix_bytes == 0
    assert layers["indirect"].padding_bytes >= cin * 4
    for layer in layers.values():
        assert (layer.input_bytes, layer.output_bytes) == (pixels * cin * 4, pixels * cout * 4)
        assert layer.weights_bytes >= (taps * cin * cout + cout) * 4
        assert layer.object_bytes > 0
        assert layer.create_ns > 0


def test_buffers_move(plan: Any, run: Callable[..., Any]) -> None:
    plan.caches, plan.rounds = ("hot", "rotate"), 10
    by_variant = defaultdict(list)
    for sample in run(plan).of(Sample):
        by_variant[sample.variant, sample.cache].append(sample.addresses.model_dump())
    assert len(by_variant) >= 2
    for rounds in by_variant.values():
        moved = sum(a != b for a, b in itertools.pairwise(rounds))
        assert moved >= len(rounds) / 2
        for name in rounds[0]:
            places = {places[name] for places in rounds}
            assert places == {""} or len(places) > len(rounds) / 2
        assert len({int(place["input"], 16) % 4096 for place in rounds}) > 3


def test_order_follows_the_seed_and_done_is_left_out(plan: Any, run: Callable[..., Any]) -> None:
    plan.algorithms, plan.rounds = ("naive", "im2col", "indirect"), 5
    full = [(s.round, s.position, s.algorithm) for s in run(plan).of(Sample)]
    expected = [
        (round_, position, plan.algorithms[index])
        for round_ in range(5)
        for position, index in enumerate(shuffled(1000, round_, 3))
    ]
    assert full == expected
    plan.done = "0.0,0.1,0.2,3.1"
    done = {(0, 0), (0, 1), (0, 2), (3, 1)}
    rest = [(s.round, s.position, s.algorithm) for s in run(plan).of(Sample)]
    assert rest == [one for one in expected if one[:2] not in done]


def test_budget_cuts_rounds(plan: Any, run: Callable[..., Any]) -> None:
    plan.measure |= {"budget_s": 0.4, "min_ns": 20000000}
    plan.launches, plan.rounds = 2, 50
    result = run(plan)
    assert result.code == 0
    for job in result.of(Job):
        assert 1 <= job.rounds < 50
        assert job.rounds_planned == 50
        of_job = [s for s in result.of(Sample) if s.launch == job.launch]
        assert len(of_job) == 2 * job.rounds


def test_telemetry(plan: Any, run: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "freq").write_text("1800000\n")
    (tmp_path / "temp").write_text("31200\n")
    plan.extra = (
        f"watch kind=freq name=policy0 path={tmp_path}/freq",
        f"watch kind=freq name=gone path={tmp_path}/nothing",
        f"watch kind=temp name=cpu path={tmp_path}/temp scale=0.001",
    )
    telemetry = run(plan).of(Telemetry)
    assert telemetry[0].freq_khz == {"policy0": 1800000, "gone": None}
    assert telemetry[0].why == {"gone": "No such file or directory"}
    assert not any(t.why for t in telemetry[1:])  # said once
    assert sum(t.temp_c == {"cpu": 31.2} for t in telemetry) == 2
    assert all(t.took_ns for t in telemetry)


def test_too_little_memory_is_a_skip_with_the_size(
    plan: Any, run: Callable[..., Any], make_layer: Callable[..., str]
) -> None:
    plan.layers = (make_layer("large", 112, 112, 32, 32), make_layer("small", 14, 14, 16, 16))
    plan.measure["memory_bytes"] = 9 << 20
    result = run(plan)
    assert result.code == 0, result.stderr
    matrix = 112 * 112 * 9 * 32 * 4
    skips = {skip.algorithm: skip for skip in result.of(Skip)}
    assert skips["im2col"].bytes > matrix
    assert {s.variant.split("/")[0] for s in result.of(Sample) if s.layer == "large"} == {"indirect"}
    assert len([s for s in result.of(Sample) if s.layer == "small"]) == 4
    plan.measure["memory_bytes"] = 1 << 20
    of_large = [skip for skip in run(plan).of(Skip) if skip.layer == "large"]
    assert len(of_large) == 2
    assert all(skip.bytes > 2 * 112 * 112 * 32 * 4 for skip in of_large)


def test_wrong_result_is_never_timed(
    plan: Any, run: Callable[..., Any], make_layer: Callable[..., str], broken_convbench: Path
) -> None:
    plan.algorithms = ("naive", "indirect")
    plan.layers = (make_layer("a", 14, 14, 16, 16), make_layer("b", 7, 7, 16, 16))  # the second is checked later
    result = run(plan, broken_convbench)
    assert result.code == 1
    wrong = [check for check in result.of(Check) if not check.ok]
    assert [(check.layer, check.variant.split("/")[0]) for check in wrong] == [("a", "indirect"), ("b", "indirect")]
    assert wrong[0].error_over_bound is None or wrong[0].error_over_bound > 1
    assert {(sample.layer, sample.algorithm) for sample in result.of(Sample)} == {("a", "naive"), ("b", "naive")}


def test_deadline(plan: Any, run: Callable[..., Any], tmp_path: Path) -> None:
    plan.run["deadline_s"] = 0.5
    plan.rounds = 100000
    result = run(plan)
    assert result.code == 4
    assert result.records[-1].reason == "deadline"
    (tmp_path / "hot").write_text("90000")
    plan.gate = (
        f"gate kind=file source=z path={tmp_path}/hot scale=0.001 plateau_c=30 baseline_c=unknown tolerance_c=1 "
        "cap_s=60 window_s=20 slope_c=0.2"
    )
    result = run(plan)
    assert result.code == 4
    assert result.records[-1].reason == "deadline"
    assert not result.of(Sample)


def test_cpu_that_is_not_there(plan: Any, run: Callable[..., Any]) -> None:
    plan.run["cpu"] = 1000
    result = run(plan)
    assert result.code == 3
    (error,) = result.of(Error)  # the same for all that would come after: the run ends
    assert "cannot run on CPU 1000" in error.reason and error.external
    assert result.records[-1].reason == "cpu"
    assert not result.of(Sample)


def test_unknown_kernel_and_missing_program(
    plan: Any, run: Callable[..., Any], make_variant: Callable[..., str]
) -> None:
    plan.variants = lambda: [
        make_variant(0, "indirect", "none_1x1"),
        make_variant(1, "im2col", "scalar_4x4", label="mine"),
    ]
    result = run(plan)
    assert result.code == 0
    assert "none_1x1" in result.of(Skip)[0].reason
    assert {(s.variant, s.asked, s.kernel) for s in result.of(Sample)} == {("mine", "im2col/scalar_4x4", "scalar_4x4")}
    plan.exe = "/nowhere/convbench"
    result = run(plan)
    assert result.code == 3
    assert result.of(Error)[0].reason == "cannot start /nowhere/convbench: No such file or directory"


def test_appends_after_a_cut_line(plan: Any, convbench: Path, tmp_path: Path) -> None:
    path, out = tmp_path / "p.plan", tmp_path / "out.jsonl"
    path.write_text(plan.text())
    out.write_text('{"type":"header"}\n{"type":"sam')
    subprocess.run([convbench, "run", path, "--out", out], check=True)
    lines = out.read_text().splitlines()
    assert lines[1] == '{"type":"sam'
    assert json.loads(lines[2])["type"] == "header"
    assert json.loads(lines[-1])["records"] == len(lines) - 2


def test_full_disk(plan: Any, convbench: Path, tmp_path: Path, need_tool: Callable[[str], str]) -> None:
    path, out = tmp_path / "p.plan", tmp_path / "out.jsonl"
    path.write_text(plan.text())
    limited = [need_tool("prlimit"), "--fsize=2048", str(convbench), "run", str(path), "--out", str(out)]
    done = subprocess.run(limited, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert str(out) in done.stderr
    data = out.read_bytes()
    assert data.endswith(b"\n")
    assert [json.loads(line)["seq"] for line in data.splitlines()] == list(range(data.count(b"\n")))


def test_arm64_under_emulation(
    plan: Any, run: Callable[..., Any], arm64_convbench: Path, make_layer: Callable[..., str]
) -> None:
    plan.exe = arm64_convbench  # the conductor starts workers by this name: the kernel cannot run them by itself
    plan.algorithms, plan.caches = ("im2col", "indirect", "direct"), ("hot", "rotate")
    plan.layers = (make_layer("a", 8, 8, 8, 8), make_layer("b", 8, 8, 16, 16, kh=1, kw=1, pad=0))
    result = run(plan, arm64_convbench)
    assert result.code == 0, result.stderr
    assert {worker.peak.isa for worker in result.of(Worker)} == {"neon"}
    samples = result.of(Sample)
    assert {s.algorithm for s in samples} == {"im2col", "indirect", "direct"}
    assert all(s.kernel.startswith("neon") for s in samples)
    assert all(s.ns > 0 for s in samples)
    assert all(check.ok for check in result.of(Check))
