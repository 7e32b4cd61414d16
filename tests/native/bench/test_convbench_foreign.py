"""Programs of others under convbench: a process of ours judges what they compute, and what they say is doubted."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.store.records import Check, Error, Job, Layer, Sample, Skip, Worker

pytestmark = pytest.mark.native


@pytest.fixture
def foreign(plan: Any, make_layer: Callable[..., str], tmp_path: Path) -> Callable[..., Any]:
    """`foreign("liar", "dying")`: a plan with our indirect and these programs beside it, on two small layers."""

    def foreign(*behaviours: str) -> Any:
        source = Path(__file__).with_name("foreign_worker.py").read_text()
        plan.foreign = [tmp_path / behaviour for behaviour in behaviours]
        for program in plan.foreign:
            program.write_text(f"#!{sys.executable} -S\n{source}")
            program.chmod(0o755)
        plan.algorithms = ("indirect",)
        plan.layers = (make_layer("small", 6, 5, 4, 8, min=0), make_layer("strided", 7, 7, 4, 4, stride=2, groups=2))
        return plan

    return foreign


def others(result: Any, kind: type[Any]) -> list[Any]:
    """Records of the programs that are not ours."""
    return [record for record in result.of(kind) if record.algorithm != "indirect"]


def test_a_program_beside_ours(foreign: Any, run: Callable[..., Any], tmp_path: Path) -> None:
    plan = foreign("honest")
    plan.caches, plan.launches = ("hot", "rotate"), 2
    result = run(plan)
    assert result.code == 0, result.stderr
    samples = others(result, Sample)
    assert len(samples) == 2 * 2 * 2 * plan.rounds
    assert {(s.variant, s.asked, s.algorithm, s.method, s.kernel, s.schedule, s.face, s.build) for s in samples} == {
        ("honest", "honest", "honest", "", "", "", "best", "honest")
    }
    assert {(s.cpu_before, s.cpu_after, s.nivcsw, s.faults, s.settle_ns, s.mhz_before) for s in samples} == {
        (None,) * 6
    }
    assert {(s.cache, s.copies) for s in samples} == {("hot", 1), ("rotate", 3)}
    assert all(s.t_ns > 0 and s.addresses.input == "" for s in samples)
    checks = others(result, Check)
    # Before anything is measured, in each launch's own process, and what each launch's last sample computed.
    assert [(c.by, c.ok) for c in checks] == [("reference", True)] * (2 * (1 + 2 * 2))
    assert {c.outputs for c in checks} == {240, 64}
    assert all(c.error_over_bound < 0.1 for c in checks)
    assert {(layer.input_bytes, layer.create_ns) for layer in others(result, Layer)} == {(0, 0)}
    workers = [w for w in result.of(Worker) if w.build == "honest"]
    assert [(w.cpus, w.clock.available, w.peak.ok) for w in workers] == [("0", False, False)] * 2
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".data")]


def test_what_it_tells_stands_in_the_records(foreign: Any, run: Callable[..., Any]) -> None:
    result = run(foreign("telling"))
    assert result.code == 0, result.stderr
    samples = others(result, Sample)
    assert {(s.variant, s.asked, s.method, s.kernel, s.schedule) for s in samples} == {
        ("telling/loops+slow", "telling", "plain", "loops", "loops+slow")
    }
    assert {(s.cpu_before, s.nivcsw, s.faults, s.repinned, s.addresses.input) for s in samples} == {
        (0, 1, 2, 0, "0x1000")
    }
    assert {(la.weights_bytes, la.create_ns, la.reshape_ns) for la in others(result, Layer)} == {(64, 5, 6)}


def test_a_liar_is_wrong_and_never_timed(foreign: Any, run: Callable[..., Any]) -> None:
    result = run(foreign("liar", "honest"))
    assert result.code == 1
    assert [(c.algorithm, c.layer, c.ok) for c in others(result, Check) if not c.ok] == [
        ("liar", "small", False),
        ("liar", "strided", False),
    ]
    assert {s.algorithm for s in result.of(Sample)} == {"indirect", "honest"}


def test_one_that_is_right_once_is_caught_at_the_end_of_the_job(foreign: Any, run: Callable[..., Any]) -> None:
    plan = foreign("right-once")
    plan.launches = 2
    result = run(plan)
    assert result.code == 1
    checks = [(c.launch, c.layer, c.ok) for c in others(result, Check) if c.launch == 0]
    assert checks.count((0, "small", False)) == 1
    assert {s.launch for s in others(result, Sample)} == {0}  # never again
    kinds = [r.type for r in result.records if getattr(r, "algorithm", "") == "right-once" and r.layer == "small"]
    assert kinds.index("sample") < len(kinds) - 1
    assert kinds[-1] == "check"


def test_one_whose_own_checksum_changes_is_wrong(foreign: Any, run: Callable[..., Any]) -> None:
    result = run(foreign("turns"))
    assert result.code == 1
    assert {(c.by, c.ok) for c in others(result, Check)} == {("reference", True), ("checksum", False)}
    assert not others(result, Sample)


FAULTS = {
    "dying": "the worker was killed by signal 11",
    "hanging": "timed out: no answer for 1",
    "size-liar": "its output has 956 bytes, the layer's has 960 (1 x 6 x 5 x 8 of f32)",
    "writes-nothing": "it wrote no output to the file that was asked for",
    "another-version": "another-version speaks protocol 1, this is convbench 0.2.0 with protocol 2",
    "no-version": "no-version does not say which protocol it speaks, this is convbench 0.2.0 with protocol 2",
    "babbling-protocol": f" is not key=value (one space between fields): 'ready%20steady go? {'x' * 101}'",
    "endless": "a line of over 8191 bytes: 'sampled xxx",
    "bad-name": "schedule=a/b is not up to 63 of A-Z a-z 0-9 _ . + -: 'created schedule=a/b'",
    "slow-clock": "window_ns=3600000000000, but it answered after ",
    "wrong-unit": " is not window_ns=",
    "no-time": "key 'ns' is missing: 'sampled calls=1 window_ns=",
}


@pytest.mark.parametrize("behaviour", FAULTS)
def test_a_fault_is_an_error_of_its_own_and_the_rest_goes_on(
    foreign: Any, run: Callable[..., Any], behaviour: str
) -> None:
    plan = foreign(behaviour, "honest")
    plan.measure["worker_timeout_s"] = 1.5
    result = run(plan)
    assert result.code == 3, result.stderr
    errors = result.of(Error)
    assert {(e.algorithm, e.layer) for e in errors} == {(behaviour, "small"), (behaviour, "strided")}
    assert FAULTS[behaviour] in errors[0].reason
    assert not any(e.external for e in errors)
    assert {s.algorithm for s in result.of(Sample)} == {"indirect", "honest"}
    assert [(job.rounds, job.complete) for job in result.of(Job)] == [(plan.rounds, True)] * 2


def test_another_version_is_told_each_time_it_would_have_run(foreign: Any, run: Callable[..., Any]) -> None:
    plan = foreign("another-version")
    plan.launches, plan.layers = 3, (*plan.layers, plan.layers[0].replace("small", "third"))
    errors = run(plan).of(Error)
    assert {e.layer for e in errors} == {"small", "strided", "third"}
    assert all("speaks protocol 1" in e.reason for e in errors)


def test_what_is_no_program_is_told(foreign: Any, run: Callable[..., Any]) -> None:
    plan = foreign("text", "closed")
    plan.foreign[0].write_text("\x7fELF, but not really")
    plan.foreign[1].chmod(0o644)
    result = run(plan)
    assert result.code == 3
    reasons = [e.reason for e in result.of(Error)]
    assert any(r.startswith("cannot start ") and r.endswith("text: Exec format error") for r in reasons)
    assert {e.layer for e in result.of(Error)} == {"small", "strided"}
    assert any(r.endswith("closed: Permission denied") for r in reasons)
    assert {s.algorithm for s in result.of(Sample)} == {"indirect"}


def test_a_checker_that_is_killed_is_not_the_program_s_doing(foreign: Any, run: Callable[..., Any]) -> None:
    """Nobody judged its last sample on that layer: the job is not done, and --resume goes into it again."""
    result = run(foreign("killer"))
    assert result.code == 3
    assert [(e.layer, e.algorithm, e.signal, e.external) for e in result.of(Error)] == [("small", "killer", 9, True)]
    assert [(job.layer, job.complete) for job in result.of(Job)] == [("small", False), ("strided", True)]
    assert [c.ok for c in others(result, Check) if c.layer == "strided"] == [True] * 3  # by a new one


def test_what_it_started_ends_with_it(foreign: Any, run: Callable[..., Any], tmp_path: Path) -> None:
    """A shell script that keeps its shell: the killed one is not the one that hangs on the measured CPU."""
    plan = foreign("hanging")
    (tmp_path / "inner").mkdir()
    plan.foreign[0].rename(tmp_path / "inner" / "hanging")
    plan.foreign[0].write_text(f'#!/bin/sh\n{tmp_path}/inner/hanging "$@"\nexit $?\n')
    plan.foreign[0].chmod(0o755)
    plan.measure["worker_timeout_s"] = 1.5
    assert {e.reason.split(":")[0] for e in run(plan).of(Error)} == {"timed out"}
    needle = str(tmp_path / "inner" / "hanging").encode()
    lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert [line for line in lines if needle in line] == []


def test_what_it_prints_goes_to_stderr(foreign: Any, run: Callable[..., Any]) -> None:
    result = run(foreign("babbling"))
    assert result.code == 0
    assert "welcome to my library" in result.stderr
    assert others(result, Sample)


def test_rotate_without_copies_is_refused(foreign: Any, run: Callable[..., Any]) -> None:
    plan = foreign("no-copies")
    plan.caches = ("rotate",)
    result = run(plan)
    assert {e.reason.split(": ")[0] for e in result.of(Error)} == {"key 'copies' is missing (cache=rotate)"}
    assert not others(result, Sample)


def test_a_layer_that_it_does_not_cover_is_skipped(foreign: Any, run: Callable[..., Any]) -> None:
    result = run(foreign("picky"))
    assert result.code == 0
    assert {(s.algorithm, s.reason) for s in result.of(Skip)} == {("picky", "no such layers")}
    assert not others(result, Sample)


def test_files_that_outgrow_the_memory_budget_are_not_written(
    foreign: Any, run: Callable[..., Any], make_layer: Any
) -> None:
    plan = foreign("honest")
    plan.layers = (make_layer("large", 100, 100, 16, 16),)
    plan.measure["memory_bytes"] = 1 << 20
    skips = others(run(plan), Skip)
    assert [(s.reason, s.bytes) for s in skips] == [
        ("the layer's tensors, as files, do not fit the memory budget", 4 * (2 * 160000 + 16 * 16 * 9 + 16))
    ]


def test_verify_judges_every_output(foreign: Any, convbench: Path, tmp_path: Path) -> None:
    import subprocess

    path = tmp_path / "verify.plan"
    path.write_text(foreign("honest", "liar").text())
    done = subprocess.run(
        [convbench, "verify", path, "--dump", tmp_path / "dump"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stderr
    assert (tmp_path / "dump" / "small.honest.output.npy").stat().st_size == 128 + 960
    assert not (tmp_path / "verify.plan.data").exists()


def test_one_that_is_not_there_is_skipped_with_the_reason(foreign: Any, run: Callable[..., Any]) -> None:
    plan = foreign("honest")
    plan.foreign = [Path("absent")]
    lines = plan.text().replace("exe=absent name=absent foreign=1", "exe= name=absent foreign=1 absent=fetch%20it")
    plan.text = lambda: lines
    result = run(plan)
    assert result.code == 0, result.stderr
    assert [(s.layer, s.variant, s.reason) for s in others(result, Skip)] == [
        (layer, "absent", "fetch it") for layer in ("small", "strided")
    ]
    assert not others(result, Sample) and not others(result, Error) and result.of(Sample)
    for wrong, reason in (
        ("exe=/x name=absent foreign=1 absent=a", "absent=, but exe= names a program"),
        ("exe=/x name= foreign=0 absent=a", "absent= of a program that is not foreign"),
    ):
        text = lines.replace("exe= name=absent foreign=1 absent=fetch%20it", wrong)
        plan.text = lambda text=text: text
        refused = run(plan)
        assert refused.code == 2 and reason in refused.stderr
