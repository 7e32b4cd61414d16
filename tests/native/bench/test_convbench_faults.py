"""convbench run: workers that crash or hang, signals, kills."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.store.records import Check, End, Error, Job, Sample, Worker
from tests.native.bench.waiting import wait_for

pytestmark = pytest.mark.native


def in_sample(started: Any) -> int:
    """The pid of a worker that is measuring: its `worker` record and a sample are written."""

    def pid() -> int | None:
        text = started.out.read_text() if started.out.exists() else ""
        workers = started.workers()
        return workers[0] if '"type":"sample"' in text and workers else None

    return int(wait_for(pid))


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.parametrize(("number", "says"), [(signal.SIGSEGV, "signal 11"), (signal.SIGSTOP, "timed out")])
def test_worker_that_crashes_or_hangs(plan: Any, start: Callable[..., Any], number: signal.Signals, says: str) -> None:
    plan.measure |= {"min_ns": 60000000, "worker_timeout_s": 1.5}
    plan.algorithms, plan.rounds, plan.launches = ("naive", "im2col", "indirect"), 4, 2
    started = start(plan)
    victim = in_sample(started)
    os.kill(victim, number)
    result = started.finish()
    assert result.code == 3
    assert isinstance(result.records[-1], End)
    assert result.records[-1].reason == "done"
    (error,) = result.of(Error)
    assert error.signal == (number if number == signal.SIGSEGV else None)
    assert says in error.reason
    assert len(result.of(Worker)) == 3  # two launches and a fresh one
    samples = result.of(Sample)
    for algorithm in plan.algorithms:
        there = [s for s in samples if s.algorithm == algorithm and s.launch == 0]
        assert len(there) < 4 if algorithm == error.algorithm else len(there) == 4
        later = [s for s in samples if s.algorithm == algorithm and s.launch == 1]
        assert len(later) == (0 if algorithm == error.algorithm else 4)  # what crashed or hung is not risked again
    assert all(check.ok for check in result.of(Check))
    assert gone(victim)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_worker_killed_from_outside_is_measured_again_in_later_launches(
    plan: Any, start: Callable[..., Any], number: signal.Signals
) -> None:
    plan.measure |= {"min_ns": 60000000}
    plan.algorithms, plan.rounds, plan.launches = ("naive", "im2col", "indirect"), 4, 2
    started = start(plan)
    os.kill(in_sample(started), number)
    result = started.finish()
    (error,) = result.of(Error)
    assert (error.signal, error.external) == (number, True)
    assert [(job.rounds, job.complete) for job in result.of(Job)] == [(4, False), (4, True)]
    counts = Counter((s.launch, s.algorithm) for s in result.of(Sample))
    assert counts[0, error.algorithm] < 4
    assert [counts[1, algorithm] for algorithm in plan.algorithms] == [4, 4, 4]


def test_a_cpu_that_is_not_to_be_had_ends_the_run_and_blames_no_variant(plan: Any, run: Callable[..., Any]) -> None:
    plan.run |= {"cpu": 1023}
    result = run(plan)
    assert result.code == 3
    (error,) = result.of(Error)
    assert (error.external, error.signal) == (True, None)
    assert "cannot run on CPU 1023" in error.reason
    assert not result.of(Job)
    assert result.records[-1].reason == "cpu"


def test_sigterm_ends_cleanly(plan: Any, start: Callable[..., Any]) -> None:
    plan.rounds = 100000
    started = start(plan)
    worker = in_sample(started)
    stat = Path(f"/proc/{started.process.pid}/stat").read_text().rpartition(")")[2].split()
    os.kill(started.process.pid, signal.SIGTERM)
    result = started.finish()
    header = result.records[0]
    assert (header.conductor_pid, header.conductor_start_ticks) == (started.process.pid, int(stat[19]))
    assert result.code == 130
    end = result.records[-1]
    assert isinstance(end, End)
    assert (end.reason, end.records) == ("signal", len(result.records))
    assert not result.of(Error)
    assert gone(worker)


def test_sigkill_leaves_whole_lines_and_no_worker(
    plan: Any, start: Callable[..., Any], records_of: Callable[[Path], list[Any]]
) -> None:
    plan.rounds = 100000
    started = start(plan)
    worker = in_sample(started)
    os.kill(started.process.pid, signal.SIGKILL)
    started.process.communicate()
    assert len(records_of(started.out)) > 3  # all but a cut last line are whole
    wait_for(lambda: gone(worker), 5)


def test_two_builds_take_turns(
    plan: Any, run: Callable[..., Any], convbench: Path, make_variant: Callable[..., str]
) -> None:
    plan.variants = lambda: [make_variant(0, "indirect"), make_variant(1, "indirect", build=1)]
    lines = plan.lines()
    at = next(i for i, line in enumerate(lines) if line.startswith("build"))
    lines[at : at + 1] = [f"build index=0 exe={convbench} name=ours", f"build index=1 exe={convbench} name=theirs"]
    plan.text = lambda: "\n".join(lines) + "\n"
    result = run(plan)
    assert result.code == 0, result.stderr
    assert {worker.build for worker in result.of(Worker)} == {"ours", "theirs"}
    pids = {(s.build, s.pid) for s in result.of(Sample)}
    assert len(pids) == 2
    assert len(result.of(Sample)) == 4


def test_sigterm_to_the_whole_group_is_no_crash(plan: Any, start: Callable[..., Any]) -> None:
    plan.rounds = 100000
    started = start(plan)
    in_sample(started)
    os.killpg(started.process.pid, signal.SIGTERM)
    result = started.finish()
    assert result.code == 130
    assert result.records[-1].reason == "signal"
    assert not result.of(Error)
