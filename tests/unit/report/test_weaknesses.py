"""What a gate's record and a sample's evidence become in the report."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from harness.report.writer import write_report

pytestmark = pytest.mark.unit

Change = Callable[[dict[str, Any]], dict[str, Any]]


@pytest.fixture
def weaknesses(synthetic: ModuleType, tmp_path: Path) -> Callable[[str, Change], str]:
    """`weaknesses(type, change)`: the report's text after every record of a type has taken other values."""

    def weaknesses(kind: str, change: Change) -> str:
        run: Path = synthetic.make_run(tmp_path / "run", launches=4)
        (file,) = run.glob("devices/*/records.jsonl")
        records = [json.loads(line) for line in file.read_text().splitlines()]
        changed = [{**record, **change(record)} if record["type"] == kind else record for record in records]
        file.write_text("".join(json.dumps(record) + "\n" for record in changed))
        return "\n".join(write_report(run).weaknesses)

    return weaknesses


def test_a_cap_below_the_window_is_no_heat(weaknesses: Callable[[str, Change], str]) -> None:
    gate = {"status": "unjudged", "capped": False, "baseline": None, "cap_s": 3.0, "window_s": 20.0}
    text = weaknesses("gate", lambda _: gate)
    assert "start temperature not judged: cap of 3 s shorter than the 20 s window" in text
    assert "gave up at its cap" not in text
    assert "stood still" not in text


def test_a_stopped_gate_is_no_cap(weaknesses: Callable[[str, Change], str]) -> None:
    text = weaknesses("gate", lambda record: {"status": "stopped" if record["launch"] == 3 else "passed"})
    assert "gave up at its cap" not in text


def test_short_windows_and_lost_cpus_are_counted(weaknesses: Callable[[str, Change], str]) -> None:
    text = weaknesses("sample", lambda s: {"window_short": s["round"] == 0, "repinned": int(s["launch"] == 0)})
    assert "the window was shorter than the policy's minimum in" in text
    assert "the CPU was taken away and the sample taken anew in" in text


def test_a_device_that_rests_hotter_than_ever_is_told(weaknesses: Callable[[str, Change], str]) -> None:
    hot = {"plateau": None, "learned": 34.0, "baseline": 27.0, "tolerance_c": 1.0}
    text = weaknesses(
        "gate", lambda record: hot if record["launch"] == 0 else {**hot, "plateau": 34.0, "learned": None}
    )
    assert "the device rested at 34.0 °C, hotter than in any run before (27.0 °C)" in text
    assert "gave up at its cap" not in text


@pytest.mark.parametrize(
    ("start", "why"), [(None, "no source of temperature was found"), (31.2, "the source of temperature failed")]
)
def test_launches_that_no_gate_held_back_are_counted(
    weaknesses: Callable[[str, Change], str], start: float | None, why: str
) -> None:
    text = weaknesses("gate", lambda r: {"status": "unavailable", "from": start} if r["launch"] == 3 else {})
    assert f"{why}: 1 of 4 launches did not wait for a cool device" in text


def test_what_ended_a_wait_too_early_is_told(weaknesses: Callable[[str, Change], str]) -> None:
    text = weaknesses("gate", lambda r: {"status": "spent", "from": 41.2, "to": 38.0} if r["launch"] == 3 else {})
    assert "the heat gate gave up with its share of the time before 1 of 4 launches (launch 4: 41.2 °C to 38.0" in text
    assert "at its cap" not in text


def test_a_clock_that_sank_for_good_and_another_rest_are_told(weaknesses: Callable[[str, Change], str]) -> None:
    clock = {"status": "settled", "clock": "probe", "mhz": 1400.0, "cool_mhz": 2800.0, "plateau": 32.0, "learned": 39.0}
    text = weaknesses("gate", lambda r: clock if r["launch"] == 2 else {})
    assert "its clock under load had sunk for good (launch 3: 1400 MHz instead of 2800 MHz)" in text
    assert "came to rest elsewhere in the middle of the run (launch 3: 32.0 °C to 39.0 °C)" in text


@pytest.mark.parametrize(
    ("clock", "what"), [("probe", "clock under load"), ("cpufreq", "clock that the system tells")], ids=str
)
def test_without_a_temperature_it_is_told_what_decided(
    weaknesses: Callable[[str, Change], str], clock: str, what: str
) -> None:
    text = weaknesses("gate", lambda _: {"source": "", "from": None, "to": None, "clock": clock, "mhz": 2800.0})
    assert f"no source of temperature was found: the {what} alone decided when 4 of 4 launches began" in text


def test_a_first_run_needs_no_baseline(weaknesses: Callable[[str, Change], str]) -> None:
    text = weaknesses("gate", lambda _: {"plateau": 27.0, "learned": None, "baseline": None, "tolerance_c": 1.0})
    assert "baseline unknown" not in text
    assert "hotter" not in text


@pytest.mark.parametrize("alone", [True, False])
def test_what_a_later_attempt_measured_without_its_partners_is_told(
    synthetic: ModuleType, tmp_path: Path, alone: bool
) -> None:
    phone = synthetic.Phone(clusters=(("4-7", "Cortex-A75", 2803),))
    run: Path = synthetic.make_run(tmp_path / "run", [phone], [synthetic.LAYERS[1]], launches=4, rounds=3)
    (file,) = run.glob("devices/*/records.jsonl")
    records = [json.loads(line) for line in file.read_text().splitlines()]

    def is_later(record: dict[str, Any]) -> bool:
        lost = (record.get("launch"), record.get("cache")) == (1, "hot") and record.get("round", 0) > 0
        return record["type"] == "sample" and lost and (record["algorithm"] == "im2col" or not alone)

    later = [record for record in records if is_later(record)]
    first = [record for record in records if not is_later(record)]
    again = [*first, {**records[0], "attempt": 2}, *later, records[-1]]
    file.write_text("".join(json.dumps(record) + "\n" for record in again))
    text = "\n".join(write_report(run).weaknesses)
    told = f"in no ratio with those there: {later[0]['layer']} im2col/neon_8x8 in launch 2 (2 samples)"
    assert (told in text) == alone
    assert ("in no ratio" in text) == alone


@pytest.fixture
def weaknesses_of_states(synthetic: ModuleType, tmp_path: Path) -> Callable[..., str]:
    """The report's text where the phone said this of its power at the beginning and the end."""

    def weaknesses_of_states(*said: list[str]) -> str:
        run: Path = synthetic.make_run(tmp_path / "run", launches=4)
        (file,) = run.glob("devices/*/records.jsonl")
        header, *rest = file.read_text().splitlines()
        times = [0, 10**15]
        states = [
            json.dumps({"type": "state", "seq": 0, "launch": 0, "t_ns": t_ns, "took_ns": 6e7, "said": {"power": lines}})
            for t_ns, lines in zip(times, said, strict=True)
        ]
        file.write_text("\n".join([header, *states, *rest]) + "\n")
        return "\n".join(write_report(run).weaknesses)

    return weaknesses_of_states


ON, OFF = "mWakefulness=Awake", "mWakefulness=Asleep"


@pytest.mark.parametrize(
    ("said", "screen", "charger"),
    [
        pytest.param(([OFF], [OFF]), True, False, id="off throughout"),
        pytest.param(([ON], [OFF]), False, False, id="off at the end: verdicts tell"),
        pytest.param(([ON, "mIsPowered=true"], [ON, "mIsPowered=false"]), False, True, id="unplugged"),
        pytest.param((["mIsPowered=true"], ["mIsPowered=x"]), False, False, id="then unknown"),
    ],
)
def test_a_state_that_all_samples_share_is_told(
    weaknesses_of_states: Callable[..., str], said: tuple[list[str], list[str]], screen: bool, charger: bool
) -> None:
    text = weaknesses_of_states(*said)
    assert ("the screen was off throughout" in text) == screen
    assert ("fed at one time and not at another" in text) == charger


@pytest.mark.parametrize(("factor", "told"), [(0.9, False), (1.1, True)])
def test_evidence_that_takes_much_of_the_time_is_told(
    synthetic: ModuleType, tmp_path: Path, factor: float, told: bool
) -> None:
    """2 % of the time of measuring, which is the sum of the jobs'."""
    run: Path = synthetic.make_run(tmp_path / "run", launches=4)
    (file,) = run.glob("devices/*/records.jsonl")
    records = [json.loads(line) for line in file.read_text().splitlines()]
    elapsed_ns = sum(record["elapsed_s"] * 1e9 for record in records if record["type"] == "job")
    samples = [record for record in records if record["type"] == "sample"]
    for record in samples:
        record["probe_ns"] = factor * 0.02 * elapsed_ns / len(samples)
    file.write_text("".join(json.dumps(record) + "\n" for record in records))
    summary = write_report(run)
    assert any("evidence took 2.2 % of the time of measuring" in weakness for weakness in summary.weaknesses) == told
    assert f"Evidence took {2 * factor:.2f} % of the" in summary.report.read_text()
    assert f"took {2 * factor:.1f} % of the time" in (run / "summary.md").read_text()


@pytest.mark.parametrize(
    ("readings", "frozen"),
    [
        pytest.param([31.0] * 12, True, id="the same all the time"),
        pytest.param([31.0] * 11 + [31.1], False, id="it moves"),
        pytest.param([31.0] * 9, False, id="too few"),
        pytest.param([None] * 12, False, id="unreadable"),
    ],
)
def test_a_sensor_that_never_moves_is_not_cool(
    synthetic: ModuleType, tmp_path: Path, readings: list[float | None], frozen: bool
) -> None:
    run: Path = synthetic.make_run(tmp_path / "run", launches=4)
    (file,) = run.glob("devices/*/records.jsonl")
    header, *rest = file.read_text().splitlines()
    source = next(record["source"] for record in map(json.loads, rest) if record["type"] == "gate")
    told = [
        {"type": "telemetry", "seq": 0, "launch": 0, "t_ns": n, "temp_c": {source: c}} for n, c in enumerate(readings)
    ]
    file.write_text("\n".join([header, *map(json.dumps, told), *rest]) + "\n")
    text = "\n".join(write_report(run).weaknesses)
    assert (f"the temperature that gates went by ({source}) never moved: unknown, not cool" in text) == frozen
