"""convbench run: the heat gate, by a zone, the battery or the clock."""

from __future__ import annotations

import itertools
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.store.records import Gate, Job, Sample
from tests.native.bench.waiting import wait_for

pytestmark = pytest.mark.native

UNBELIEVABLE = "max_khz khz=1"  # any clock is too high for it: the temperature alone decides
GATE = (
    "gate kind=file source=zone:cpu path={path} scale=0.001 plateau_c={rest} baseline_c=unknown tolerance_c=1 "
    "cap_s={cap} window_s=2 slope_c=0.2"
)


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
    plan.extra.remove(UNBELIEVABLE)  # the gate does not believe it by itself
    plan.gate = "gate kind=none cap_s=60 window_s=60 cool_mhz=2800 clock=system"
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
