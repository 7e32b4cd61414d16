"""What the system said beside samples, off the records: by time, and never off garbage."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.judge.reason import names_of
from harness.model.policy import Policy
from harness.results.evidence import cost_of, lines_of
from harness.results.stream import Stream
from harness.results.system_state import mean_khz, system_state
from harness.results.verdicts import judge_cluster
from tests.unit.results.recorded import CAP, COUNT, device_of, power, sample, stream_of, telemetry, thermal

pytestmark = pytest.mark.unit


def reasons(stream: Stream) -> list[str]:
    found = judge_cluster(device_of(stream), "4-7", Policy(name="p"))
    return [names_of(mask) for mask in found.masks[0].tolist()]


def test_the_screen_goes_off_in_the_run(tmp_path: Path) -> None:
    on, off = "mWakefulness=Awake", "mWakefulness=Asleep"
    stream = stream_of(tmp_path, power(50, on), power(350, on), power(650, off), power(850, off), power(1050, on))
    assert system_state(stream).asleep.tolist() == [0, 0, 0, 0.5, 0.5, 0.5, 1, 1, 0.5, 0.5]
    assert reasons(stream) == [""] * 3 + ["SCREEN_OFF"] * 7


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        pytest.param(["mWakefulness=Asleep", "mWakefulness=Asleep"], "", id="off throughout"),
        pytest.param(["mWakefulness=Awake", "mWakefulness="], "", id="then unknown"),
        pytest.param(["Battery Saver is currently: OFF", "Battery Saver is currently: ON"], "LOW_POWER", id="saver"),
        pytest.param(["Battery Saver is currently: ON", "Battery Saver is currently: ON"], "", id="saver throughout"),
    ],
)
def test_what_stays_taints_nothing(tmp_path: Path, lines: list[str], why: str) -> None:
    stream = stream_of(tmp_path, *(power(50 + 1000 * n, line) for n, line in enumerate(lines)))
    assert set(reasons(stream)) == {why}


def test_without_services_nothing_is_known(tmp_path: Path) -> None:
    found = system_state(stream_of(tmp_path))
    for column in (found.asleep, found.saving, found.thermal_status, found.round_khz):
        assert np.isnan(column).all() and len(column) == COUNT


def test_the_highest_thermal_status_around_a_sample(tmp_path: Path) -> None:
    said = [thermal(50, "Thermal Status: 0"), thermal(450, "Thermal Status: 3"), thermal(650, "Thermal Status: x")]
    status = system_state(stream_of(tmp_path, *said)).thermal_status
    assert status.tolist()[:6] == [3] * 6 and np.isnan(status[6:]).all()
    frozen = [
        {**each, "said": {"thermalservice": [*each["said"]["thermalservice"], "HAL Ready: false"]}} for each in said
    ]
    assert np.isnan(system_state(stream_of(tmp_path, *frozen)).thermal_status).all()


def test_the_mean_frequency_of_a_round_is_its_samples(tmp_path: Path) -> None:
    rounds = [
        telemetry(350, states_ms={"policy4/time_in_state": {"2800000": 270, "1400000": 30}}),
        telemetry(650, states_ms={"policy4/time_in_state": {}}),
        telemetry(1050, states_ms={"policy4/time_in_state": {"2800000": 390}}),
    ]
    khz = system_state(stream_of(tmp_path, *rounds)).round_khz
    assert khz.tolist()[:3] == pytest.approx([2.66e6] * 3) and np.isnan(khz[3:6]).all()
    assert khz.tolist()[6:] == pytest.approx([2.8e6] * 4)


@pytest.mark.parametrize(
    "states",
    [{}, {"2800000": 190}, {"x": 500}, {"": 500}, {"9" * 5000: 500}, {"²": 500}],
    ids=["none", "too short", "word", "empty", "beyond numbers", "no digit"],
)
def test_times_that_are_none_have_no_mean(states: dict[str, int]) -> None:
    assert math.isnan(mean_khz(states))


def test_no_time_at_any_frequency_is_no_share(tmp_path: Path) -> None:
    stream = stream_of(tmp_path, telemetry(350, states_ms={"policy4/time_in_state": {"2800000": 0}}))
    (line,) = [each for each in lines_of(device_of(stream), [stream]) if each.name == "time at each frequency"]
    assert "%" not in line.known


# What a device may put in the place of a number; nothing of it is one that can be.
GARBAGE = st.one_of(
    st.none(), st.booleans(), st.text(max_size=5), st.floats(max_value=-1e-9, allow_infinity=False),
    st.floats(min_value=1e19, allow_infinity=False), st.sampled_from([math.nan, math.inf, -math.inf]),
    st.lists(st.integers(), max_size=2), st.dictionaries(st.text(max_size=2), st.integers(), max_size=1),
)  # fmt: skip
EVIDENCE = (
    *("mhz_before", "mhz_after", "cpu_ns", "span_ns", "gflops_before", "gflops_after", "gbps_before", "gbps_after"),
    *("probe_ns", "count_error", "cycles", "instructions", "refills", "faults", "nivcsw"),
)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_garbage_is_no_verdict_and_no_crash(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Whatever stands in the place of evidence: the verdicts are those of a device that does not tell it."""
    names = data.draw(st.sets(st.sampled_from(EVIDENCE), min_size=1))
    garbage = {name: data.draw(GARBAGE) for name in names}
    place = data.draw(st.integers(0, COUNT - 1))
    cap, celsius, said, ms = (data.draw(GARBAGE) for _ in range(4))
    folder = tmp_path_factory.mktemp("garbage")

    def made(*, wild: bool) -> Stream:
        samples = [sample(n) for n in range(COUNT)]
        samples[place] |= garbage if wild else dict.fromkeys(garbage)
        freq, temp, states, lines = (value if wild else None for value in (cap, celsius, ms, said))
        around = [
            telemetry(50, freq_khz={CAP: 2.8e6}, temp_c={"cpu": 30.0}),
            telemetry(100 * place + 60, freq_khz={CAP: freq}, temp_c={"cpu": temp}, states_ms={"policy4": states}),
            {**power(60), "said": {"power": lines}},
        ]
        return stream_of(folder, *around, samples=samples)

    wild, silent = made(wild=True), made(wild=False)
    assert len(wild.samples) == len(silent.samples) == COUNT
    assert reasons(wild) == reasons(silent)
    for stream in (wild, silent):
        assert len(lines_of(device_of(stream), [stream])) == 16 and cost_of([stream]) is not None
