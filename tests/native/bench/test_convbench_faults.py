"""convbench run: heat, workers that crash or hang, signals, kills."""

from __future__ import annotations

import itertools
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.store.records import Check, End, Error, Gate, Job, Sample, Worker

pytestmark = pytest.mark.native

UNBELIEVABLE = "max_khz khz=1"  # any clock is too high for it: the temperature alone decides
GATE = (
    "gate kind=file source=zone:cpu path={path} scale=0.001 plateau_c={rest} baseline_c=unknown tolerance_c=1 "
    "cap_s={cap} window_s=2 slope_c=0.2"
)


def wait_for(condition: Callable[[], Any], seconds: float = 30) -> Any:
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)
    return value


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


def test_gate_waits_until_it_is_cool(plan: Any, run: Callable[..., Any], tmp_path: Path) -> None:
    zone = tmp_path / "temp"
    zone.write_text("45000\n")
    plan.extra = [UNBELIEVABLE]
    plan.gate = GATE.format(path=zone, rest=30, cap=20).replace("window_s=2", "window_s=15")
    cooling = threading.Timer(1.0, zone.write_text, ("30500\n",))
    cooling.start()
    gate = run(plan).of(Gate)[0]
    cooling.join()
    assert (gate.status, gate.source, gate.capped) == ("passed", "zone:cpu", False)
    assert (gate.start, gate.end, gate.plateau, gate.learned) == (45, 30.5, 30, None)
    assert gate.waited_s > 0.1


def test_gate_that_never_cools_is_capped(plan: Any, run: Callable[..., Any], tmp_path: Path) -> None:
    zone = tmp_path / "temp"
    zone.write_text("45000\n")
    plan.gate = GATE.format(path=zone, rest=30, cap=0.5)
    result = run(plan)
    gate = result.of(Gate)[0]
    assert (gate.status, gate.capped) == ("capped", True)
    assert 0.5 <= gate.waited_s < 10
    assert result.of(Sample)


def test_the_first_gate_learns_where_the_device_rests_and_later_ones_go_by_it(
    plan: Any, run: Callable[..., Any], tmp_path: Path
) -> None:
    zone = tmp_path / "temp"
    zone.write_text("45000\n")
    plan.launches = 3
    plan.extra = [UNBELIEVABLE]
    plan.gate = GATE.format(path=zone, rest="unknown", cap=20)
    first, *others = run(plan).of(Gate)
    assert (first.status, first.plateau, first.learned, first.tolerance_c) == ("passed", None, 45, 1)
    assert first.waited_s >= 2
    assert [(gate.status, gate.plateau, gate.learned) for gate in others] == [("passed", 45, None)] * 2


def cooling(zone: Path, ended: threading.Event, step: float) -> threading.Thread:
    """Changes a zone's temperature by so many degrees every 20 ms."""

    def change() -> None:
        celsius = 120.0
        while not ended.wait(0.02):
            celsius += step
            (zone.parent / "next").write_text(f"{celsius * 1000:.0f}\n")
            (zone.parent / "next").replace(zone)

    thread = threading.Thread(target=change)
    thread.start()
    return thread


def test_no_plateau_is_learned_while_the_temperature_falls(plan: Any, run: Callable[..., Any], tmp_path: Path) -> None:
    zone, ended = tmp_path / "temp", threading.Event()
    zone.write_text("120000\n")
    thread = cooling(zone, ended, -0.2)
    plan.extra = [UNBELIEVABLE]
    plan.gate = GATE.format(path=zone, rest="unknown", cap=3)
    gate = run(plan).of(Gate)[0]
    ended.set()
    thread.join()
    assert (gate.status, gate.capped, gate.learned) == ("capped", True, None)


def test_where_the_device_rests_elsewhere_a_gate_finds_out_within_its_window(
    plan: Any, run: Callable[..., Any], tmp_path: Path
) -> None:
    zone = tmp_path / "temp"
    zone.write_text("45000\n")
    plan.launches = 2
    plan.extra = [UNBELIEVABLE]
    plan.gate = GATE.format(path=zone, rest=30, cap=60)
    first, second = run(plan).of(Gate)
    assert (first.status, first.plateau, first.learned) == ("passed", 30, 45)
    assert 2 <= first.waited_s < 20
    assert (second.status, second.plateau, second.learned) == ("passed", 45, None)


def test_gate_with_a_cap_below_its_window_judges_nothing(plan: Any, run: Callable[..., Any], tmp_path: Path) -> None:
    zone = tmp_path / "temp"
    zone.write_text("45000\n")
    plan.extra = [UNBELIEVABLE]
    plan.gate = GATE.format(path=zone, rest="unknown", cap=1.3).replace("window_s=2", "window_s=60")
    gate = run(plan).of(Gate)[0]
    assert (gate.status, gate.capped) == ("unjudged", False)
    assert (gate.cap_s, gate.window_s) == (1.3, 60)


def test_gate_with_a_cap_below_its_window_sees_falling(plan: Any, run: Callable[..., Any], tmp_path: Path) -> None:
    zone, ended = tmp_path / "temp", threading.Event()
    zone.write_text("120000\n")
    thread = cooling(zone, ended, -0.2)
    plan.extra = [UNBELIEVABLE]
    plan.gate = GATE.format(path=zone, rest="unknown", cap=2).replace("window_s=2", "window_s=60")
    gate = run(plan).of(Gate)[0]
    ended.set()
    thread.join()
    assert (gate.status, gate.capped) == ("capped", True)


def test_gate_that_is_stopped_is_not_capped(plan: Any, start: Callable[..., Any], tmp_path: Path) -> None:
    zone = tmp_path / "temp"
    zone.write_text("45000\n")
    plan.gate = GATE.format(path=zone, rest=30, cap=60).replace("window_s=2", "window_s=60")
    started = start(plan)
    wait_for(lambda: started.out.exists() and '"type":"check"' in started.out.read_text())
    time.sleep(0.5)
    os.kill(started.process.pid, signal.SIGTERM)
    result = started.finish()
    assert result.code == 130
    (gate,) = result.of(Gate)
    assert (gate.status, gate.capped) == ("stopped", False)


@pytest.mark.parametrize("lie", ["0", "-40000", "", "31000"])
def test_gate_does_not_believe_a_zone_that_lies_now_and_then(
    plan: Any, run: Callable[..., Any], tmp_path: Path, lie: str
) -> None:
    """65 degrees where 30 are rest; a third of the time it says something else, or nothing."""
    zone, ended = tmp_path / "temp", threading.Event()
    zone.write_text("65000\n")

    def change() -> None:
        for text in itertools.cycle(["65000", "65000", lie]):
            (tmp_path / "next").write_text(f"{text}\n")
            (tmp_path / "next").replace(zone)
            if ended.wait(0.1):
                return

    thread = threading.Thread(target=change)
    thread.start()
    plan.extra = [UNBELIEVABLE]
    plan.gate = GATE.format(path=zone, rest=30, cap=3.5).replace("window_s=2", "window_s=60")
    gate = run(plan).of(Gate)[0]
    ended.set()
    thread.join()
    assert gate.status == "capped"
    assert gate.end == 65 or lie == "31000"


def test_gate_without_source(plan: Any, run: Callable[..., Any], tmp_path: Path) -> None:
    plan.extra = [UNBELIEVABLE]
    plan.gate = GATE.format(path=tmp_path / "nothing", rest=30, cap=20)
    gate = run(plan).of(Gate)[0]
    assert (gate.status, gate.start, gate.end, gate.clock) == ("unavailable", None, None, "")
    assert gate.waited_s < 15


def by_cpufreq(plan: Any, folder: Path, mhz: int) -> Path:
    """The system tells the clock, since the probe cannot be believed."""
    file = folder / "scaling_cur_freq"
    file.write_text(f"{mhz * 1000}\n")
    plan.extra = [UNBELIEVABLE, f"watch kind=freq name=policy0/scaling_cur_freq path={file}"]
    return file


def test_without_a_temperature_the_clock_alone_decides(plan: Any, run: Callable[..., Any], tmp_path: Path) -> None:
    file = by_cpufreq(plan, tmp_path, 1400)
    plan.gate = "gate kind=none cap_s=60 window_s=60 cool_mhz=2800"
    plan.launches = 2
    risen = threading.Timer(4.0, file.write_text, ("2800000\n",))
    risen.start()
    first, second = run(plan).of(Gate)
    risen.join()
    assert (first.status, first.start, first.clock, first.mhz, first.cool_mhz) == (
        "passed",
        None,
        "cpufreq",
        2800,
        2800,
    )
    assert first.waited_s > 1  # from when the host's timer began on, checks went by
    assert (second.status, second.mhz) == ("passed", 2800)
    assert second.waited_s < 5


def test_the_clock_decides_where_the_temperature_is_that_of_rest(
    plan: Any, run: Callable[..., Any], tmp_path: Path
) -> None:
    """A clock that stays low is told by one gate, and the next one does not wait for another."""
    zone = tmp_path / "temp"
    zone.write_text("30000\n")
    by_cpufreq(plan, tmp_path, 1400)
    plan.launches = 2
    plan.gate = GATE.format(path=zone, rest=30, cap=60).replace("window_s=2", "window_s=3") + " cool_mhz=2800"
    first, second = run(plan).of(Gate)
    assert (first.status, first.mhz, first.cool_mhz) == ("settled", 1400, 2800)
    assert 3 <= first.waited_s < 30
    assert (second.status, second.mhz, second.cool_mhz) == ("passed", 1400, 1400)


def test_gates_take_no_more_than_their_share(plan: Any, run: Callable[..., Any], tmp_path: Path) -> None:
    zone, ended = tmp_path / "temp", threading.Event()
    zone.write_text("120000\n")
    thread = cooling(zone, ended, -0.02)
    plan.extra = [UNBELIEVABLE]
    plan.launches = 4
    plan.measure |= {"min_ns": 100000000}
    plan.gate = GATE.format(path=zone, rest=30, cap=60) + " share=0.5 launch_s=2 credit_s=1"
    result = run(plan)
    ended.set()
    thread.join()
    gates, measured = result.of(Gate), [job.elapsed_s for job in result.of(Job)]
    assert {gate.status for gate in gates} == {"spent"}
    assert gates[0].allowed_s == 3
    assert (
        gates[1].allowed_s == pytest.approx(1 + 2 * measured[0] - gates[0].waited_s, abs=0.2) or not gates[1].allowed_s
    )


def battery_gate(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> str:
    """A gate that asks a `dumpsys` of its own."""
    tool = folder / "dumpsys"
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return (
        "gate kind=battery source=battery plateau_c=31 baseline_c=unknown tolerance_c=1 cap_s={cap} window_s=1 "
        "slope_c=0.2"
    )


SAYS_31 = 'printf "Current state:\\n  level: 80\\n  temperature: 312\\n"'


@pytest.mark.parametrize("failing", [1, 2])
def test_gate_goes_on_after_readings_that_failed(
    plan: Any, run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    script = f'echo >> {tmp_path}/asked; [ "$(wc -l < {tmp_path}/asked)" -eq {failing} ] || {SAYS_31}'
    plan.extra = [UNBELIEVABLE]
    plan.gate = battery_gate(tmp_path, monkeypatch, script).format(cap=30)
    gate = run(plan).of(Gate)[0]
    assert (gate.status, gate.start, gate.end) == ("passed", 31.2, 31.2)
    assert len((tmp_path / "asked").read_text()) == 3  # one that failed, two that agree


def test_gate_whose_source_goes_away_is_unavailable(
    plan: Any, run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = f'echo >> {tmp_path}/asked; [ "$(wc -l < {tmp_path}/asked)" -gt 1 ] || {SAYS_31}'
    plan.extra = [UNBELIEVABLE]
    plan.gate = battery_gate(tmp_path, monkeypatch, script).format(cap=30)
    gate = run(plan).of(Gate)[0]
    assert (gate.status, gate.start, gate.end) == ("unavailable", 31.2, 31.2)
    assert len((tmp_path / "asked").read_text()) == 4


def test_gate_asks_the_battery(
    plan: Any, run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan.extra = [UNBELIEVABLE]
    plan.gate = battery_gate(tmp_path, monkeypatch, f'[ "$1" = battery ] && {SAYS_31}').format(cap=5)
    gate = run(plan).of(Gate)[0]
    assert (gate.status, gate.start) == ("passed", 31.2)


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
