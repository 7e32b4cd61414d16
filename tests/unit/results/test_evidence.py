"""What evidence there is, what is missing of it and why, and what it cost."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.results.evidence import cost_of, lines_of
from tests.unit.results.recorded import CAP, COUNT, device_of, power, sample, stream_of, telemetry

pytestmark = pytest.mark.unit


def test_what_is_known_of_a_device_and_why_no_more(tmp_path: Path) -> None:
    worker = {
        "type": "worker", "launch": 0, "build": "0", "pid": 1, "cpus": "7", "clock": {"available": True},
        "peak": {"isa": "neon", "ok": True},
        "counters": {"error": "forbidden", "reason": "cycles: Permission denied (perf_event_paranoid is 3)"},
    }  # fmt: skip
    zones = [telemetry(150 + 100 * n, freq_khz={CAP: 2.8e6 if n else None}, temp_c={"cpu": 30.0 + n, "skin": 31.0},
                       states_ms={"policy4/time_in_state": {"2800000": 90, "1400000": 10}},
                       why={} if n else {CAP: "no number: 'x'"}) for n in range(4)]  # fmt: skip
    state = power(50, "mWakefulness=Awake", "mIsPowered=true", "Battery Saver is currently: OFF")
    state["said"]["thermalservice"] = None
    state["why"] = {"thermalservice": "no answer in time"}
    stream = stream_of(tmp_path, worker, *zones, state)
    device = device_of(stream, sources=[("thermalservice", "dumpsys thermalservice", "")])
    found = {line.name: (line.known, line.why) for line in lines_of(device, [stream])}
    assert found["clock, by a probe"] == ("10 of 10 samples", "")
    assert found["cap of the clock"] == ("3 of 4 readings", "no number: 'x'")
    assert found["time at each frequency"] == ("4 of 4 rounds: 2800 MHz 90 %, 1400 MHz 10 %", "")
    assert found["temperatures"] == ("1 of 2 zones", "1 never moved, which is unknown and not cool")
    assert found["screen"] == ("1 of 1 readings (Awake 1)", "")
    assert found["battery saver"] == ("1 of 1 readings (off 1)", "")
    assert found["thermal status"] == ("0 of 1 readings", "no answer in time")
    assert found["hardware counters"][0] == "0 of 10 samples"
    assert found["hardware counters"][1].startswith("cycles: Permission denied (perf_event_paranoid is 3): the system")
    assert found["boot id"] == ("known", "")


@pytest.mark.parametrize(
    ("sources", "why"),
    [
        pytest.param([("boot id", "/proc/x", "")], "not asked: it is no Android", id="no Android"),
        pytest.param([("power", "dumpsys power", "it hangs")], "it hangs", id="silent when it was probed"),
        pytest.param([("power", "dumpsys power", "")], "it does not say", id="silent later"),
    ],
)
def test_a_screen_that_is_not_known_has_a_reason(tmp_path: Path, sources: list[tuple[str, str, str]], why: str) -> None:
    stream = stream_of(tmp_path)
    line = next(line for line in lines_of(device_of(stream, sources=sources), [stream]) if line.name == "screen")
    assert (line.known, line.why) == ("none", why)


def test_counts_are_told_and_what_kept_others_from_it(tmp_path: Path) -> None:
    counted = {"count_error": 0, "cycles": 27e6, "instructions": 80e6, "refills": None}
    samples = [sample(n, **(counted if n else {**counted, "count_error": 9, "cycles": None})) for n in range(COUNT)]
    stream = stream_of(tmp_path, samples=samples)
    line = next(line for line in lines_of(device_of(stream), [stream]) if line.name == "hardware counters")
    assert line.known == "9 of 10 samples" and "for a part of the time (1 samples)" in line.why
    assert list(stream.samples.column("cycles")) == [None, *[27e6] * 9]


def test_the_cost_of_evidence_is_a_share_of_the_time(tmp_path: Path) -> None:
    cost = cost_of([stream_of(tmp_path, telemetry(150), power(50))])
    assert cost is not None
    assert cost.beside_s == pytest.approx(COUNT * 250e-6)
    assert cost.between_s == pytest.approx(0.06005)
    assert cost.elapsed_s == pytest.approx(1.06)
    assert cost.share == pytest.approx(0.06255 / 1.06)
    assert cost_of([stream_of(tmp_path, samples=[sample(0, probe_ns=None)])]) is None
