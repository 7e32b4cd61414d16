"""What the conductor makes of its workers: crashes and hangs remembered, slow ones waited for, wrong ones found out."""

from __future__ import annotations

import itertools
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.store.records import Check, Error, Job, Sample, Worker

pytestmark = pytest.mark.native


@pytest.fixture
def fake(plan: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """`fake(behaviour)`: the plan with a fake worker instead of convbench."""

    def fake(behaviour: str = "", sample_s: float = 0) -> Any:
        script = tmp_path / "fake-worker"
        source = Path(__file__).with_name("fake_worker.py").read_text()
        script.write_text(f"#!{sys.executable} -S\n{source}")
        script.chmod(0o755)
        monkeypatch.setenv("BEHAVIOUR", behaviour)
        monkeypatch.setenv("SAMPLE_S", str(sample_s))
        plan.exe = script
        return plan

    return fake


def test_a_hang_is_remembered_and_costs_the_others_no_rounds(fake: Any, run: Callable[..., Any]) -> None:
    plan = fake("hangs over object 0")
    plan.launches, plan.rounds = 3, 3
    plan.measure |= {"worker_timeout_s": 1.5, "budget_s": 3.6, "launches": 3}
    result = run(plan)
    assert result.code == 3
    (error,) = result.of(Error)
    assert (error.launch, error.algorithm) == (0, "im2col")
    assert "timed out" in error.reason
    assert {s.algorithm for s in result.of(Sample)} == {"indirect"}
    assert [(job.launch, job.rounds) for job in result.of(Job)] == [(0, 3), (1, 3), (2, 3)]
    lost = [job.lost_s for job in result.of(Job)]
    assert lost[0] >= 1.5
    assert max(lost[1:]) < 0.5


def test_one_of_ours_without_variants_of_several_threads_is_told_nothing_of_them(
    fake: Any, run: Callable[..., Any]
) -> None:
    plan = fake("knows no threads")
    result = run(plan)
    assert (result.code, result.of(Error)) == (0, [])
    assert len(result.of(Sample)) == 2 * plan.rounds


@pytest.mark.parametrize(
    ("behaviour", "external"), [("fails over object 0", False), ("is hindered over object 0", True)]
)
def test_a_failure_is_told_in_the_worker_s_words_and_tried_again_in_the_next_launch(
    fake: Any, run: Callable[..., Any], behaviour: str, external: bool
) -> None:
    plan = fake(behaviour)
    plan.launches, plan.rounds = 2, 3
    result = run(plan)
    assert [(e.launch, e.reason, e.external) for e in result.of(Error)] == [(n, "no luck", external) for n in (0, 1)]
    assert [(job.rounds, job.complete) for job in result.of(Job)] == [(3, not external)] * 2


def test_rounds_that_a_kill_took_from_the_last_variant_are_not_the_budget_s(fake: Any, run: Callable[..., Any]) -> None:
    plan = fake("is killed in its second round")
    plan.algorithms, plan.rounds = ("im2col",), 5
    result = run(plan)
    assert [(e.signal, e.external) for e in result.of(Error)] == [(9, True)]
    assert [s.round for s in result.of(Sample)] == [0]
    assert not result.of(Job)  # --resume measures all of the five rounds
    assert result.records[-1].reason == "done"


def test_a_check_that_fails_is_told_in_the_worker_s_words(fake: Any, run: Callable[..., Any]) -> None:
    result = run(fake("fails its check"))
    assert {(e.reason, e.external) for e in result.of(Error)} == {("no luck", False)}
    assert [(job.rounds, job.complete) for job in result.of(Job)] == [(0, True)]


def test_a_worker_that_does_not_say_what_runs_is_told_what_is_missing(fake: Any, run: Callable[..., Any]) -> None:
    result = run(fake("does not say what runs"))
    assert result.code == 3
    errors = result.of(Error)
    assert {(e.method, e.schedule) for e in errors} == {("", "")}
    assert {e.reason.split(": ")[0] for e in errors} == {"key 'schedule' is missing"}
    assert all(": 'created algorithm=" in e.reason for e in errors)


def test_a_program_that_never_starts_is_given_up(fake: Any, run: Callable[..., Any], make_layer: Any) -> None:
    plan = fake("never starts")
    plan.layers = tuple(make_layer(f"l{i}", 8, 8, 4, 4) for i in range(6))
    plan.measure |= {"worker_timeout_s": 0.3}
    result = run(plan)
    assert result.code == 3
    errors = result.of(Error)
    assert len(errors) == 12
    assert {error.reason for error in errors[:2]} == {"timed out: no answer for 0.3 s"}
    given_up = "no worker: its program failed to start 2 times in this launch: timed out: no answer for 0.3 s"
    assert [error.reason for error in errors[2:]] == [given_up] * 10


@pytest.mark.parametrize(("behaviour", "external"), [("crashes at hello", False), ("is killed at hello", True)])
def test_a_program_that_is_given_up_is_to_blame_where_its_starts_were(
    fake: Any, run: Callable[..., Any], make_layer: Any, behaviour: str, external: bool
) -> None:
    plan = fake(behaviour)
    plan.layers = tuple(make_layer(f"l{i}", 8, 8, 4, 4) for i in range(3))
    errors = run(plan).of(Error)
    assert {error.external for error in errors} == {external}
    assert "failed to start 2 times" in errors[-1].reason


def test_the_share_of_a_launch_is_that_of_the_whole_run(fake: Any, run: Callable[..., Any]) -> None:
    """As --resume writes it: one launch of four is left."""
    plan = fake(sample_s=0.1)
    plan.algorithms, plan.rounds = ("im2col",), 30
    plan.measure |= {"budget_s": 1.2, "launches": 4}
    (job,) = run(plan).of(Job)
    assert 1 <= job.rounds <= 3


def test_what_an_earlier_attempt_settled_stands(plan: Any, run: Callable[..., Any]) -> None:
    lines = plan.lines()
    lines[-1:] = [
        "known layer=small variant=0 calls=17 excluded=0",
        "known layer=small variant=1 calls=0 excluded=1",
        lines[-1],
    ]
    plan.text = lambda: "\n".join(lines) + "\n"
    result = run(plan)
    assert result.code == 0
    assert [(s.algorithm, s.calls) for s in result.of(Sample)] == [("im2col", 17)] * 2
    assert {check.variant.split("/")[0] for check in result.of(Check)} == {"im2col"}  # not even tried


def test_a_worker_that_announces_a_long_sample_is_waited_for(fake: Any, run: Callable[..., Any]) -> None:
    plan = fake("announces", sample_s=1.5)
    plan.algorithms, plan.rounds = ("im2col",), 1
    plan.measure |= {"worker_timeout_s": 0.7}
    result = run(plan)
    assert result.code == 0, result.records
    assert len(result.of(Sample)) == 1


def test_samples_longer_than_the_timeout_are_no_hang(plan: Any, run: Callable[..., Any]) -> None:
    plan.measure |= {"min_ns": 2500000000, "worker_timeout_s": 1}
    plan.algorithms, plan.rounds = ("indirect",), 1
    result = run(plan)
    assert not result.of(Error)
    (sample,) = result.of(Sample)
    assert sample.window_ns > 1e9


def test_a_result_that_turns_wrong_is_found_after_the_window(fake: Any, run: Callable[..., Any]) -> None:
    plan = fake("turns wrong")
    plan.rounds, plan.launches = 3, 2
    result = run(plan)
    assert result.code == 1
    assert {(s.round, s.launch) for s in result.of(Sample)} == {(0, 0)}
    wrong = [check for check in result.of(Check) if not check.ok]
    assert sorted(check.variant.split("/")[0] for check in wrong) == ["im2col", "indirect"]
    assert {check.by for check in wrong} == {"checksum"}


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two CPUs")
def test_no_sample_of_another_cpu_is_kept(plan: Any, start: Callable[..., Any]) -> None:
    """As Android moves processes between cpusets: somebody else changes where the worker may run, over and over."""
    mine, other = sorted(os.sched_getaffinity(0))[:2]
    plan.run |= {"cpu": mine, "conductor_cpus": other}
    plan.rounds, plan.algorithms = 60, ("im2col",)
    plan.measure["min_ns"] = 5000000
    started, ended = start(plan), threading.Event()

    def meddle() -> None:
        for cpus in itertools.cycle(({other}, {mine, other})):
            if ended.wait(0.15):
                return
            for pid in started.workers():
                try:
                    os.sched_setaffinity(pid, cpus)
                except OSError:
                    continue

    meddler = threading.Thread(target=meddle)
    meddler.start()
    result = started.finish()
    ended.set()
    meddler.join()
    samples = result.of(Sample)
    assert len(result.of(Worker)) >= 1
    assert samples
    assert {(s.cpu_before, s.cpu_after) for s in samples} == {(mine, mine)}
    assert sum(s.repinned for s in samples) > 0
    for error in result.of(Error):  # moved again each time it was pinned
        assert "CPU" in error.reason
