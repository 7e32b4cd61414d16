"""What convbench tells of the system beside samples: files that it reads, time at each frequency, what services say."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.store.records import Job, Sample
from harness.store.system_records import State, Telemetry

pytestmark = pytest.mark.native

GARBAGE = {
    "negative": (b"-5\n", "cannot be: -5"),
    "zero": (b"0\n", "cannot be: 0"),
    "huge": (b"9" * 60, "no number: '"),
    "exponent": (b"1e9\n", "cannot be: 1e9"),
    "text": (b"unknown\n", "no number: 'unknown'"),
    "hex": (b"0x1000\n", "no number: '0x1000'"),
    "trailing": (b"1800000 kHz\n", "no number: '1800000 kHz'"),
    "nan": (b"nan\n", "no number: 'nan'"),
    "inf": (b"inf", "no number: 'inf'"),
    "empty": (b"", "it is empty"),
    "spaces": (b" \n", "it is empty"),
    "bytes": (bytes(range(128, 160)), "no number: '????"),
    "nul": (b"\x00\x01", "no number: ''"),
    "lines": (b"1800000\n1800000\n", "no number: '1800000'"),
    "long": (b"1" * 4096, "no number: '1111"),
}


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_in_a_file_of_the_system_is_null_with_its_reason(
    plan: Any, run: Callable[..., Any], tmp_path: Path, name: str
) -> None:
    text, why = GARBAGE[name]
    (tmp_path / "bad").write_bytes(text)
    plan.rounds = 1
    plan.extra = (
        f"watch kind=freq name=f path={tmp_path}/bad",
        f"watch kind=temp name=t path={tmp_path}/bad scale=0.001",
        f"watch kind=states name=s path={tmp_path}/bad",
    )
    result = run(plan)
    assert result.code == 0, result.stderr
    last = result.of(Telemetry)[-1]
    assert (last.freq_khz, last.temp_c, last.states_ms) == ({"f": None}, {"t": None}, {"s": None})
    reasons = {key: text for each in result.of(Telemetry) for key, text in each.why.items()}
    assert set(reasons) == {"f", "t", "s"}
    assert reasons["f"].startswith(why)


def test_the_time_at_each_frequency_is_that_of_the_round(plan: Any, start: Callable[..., Any], tmp_path: Path) -> None:
    """The file counts on while it measures; what it had before is not told."""
    file = tmp_path / "time_in_state"
    file.write_text("300000 70000\n1766400 5\n2803200 12\n")
    plan.rounds, plan.measure["min_ns"] = 40, 20_000_000
    plan.extra = (f"watch kind=states name=policy4 path={file}",)
    started = start(plan)
    for ticks in range(13, 2000):
        if started.process.poll() is not None:
            break
        fresh = file.with_name("new")
        fresh.write_text(f"300000 70000\n1766400 5\n2803200 {ticks}\n")
        fresh.replace(file)
        time.sleep(0.01)
    result = started.finish()
    assert result.code == 0, result.stderr
    spent = [states for each in result.of(Telemetry) for states in each.states_ms.values()]
    assert len(spent) == 40 and {key for states in spent for key in states} == {"2803200"}
    assert all(ms % 10 == 0 for states in spent for ms in states.values())


def test_what_the_system_says_is_on_record_around_a_launch(plan: Any, run: Callable[..., Any], tmp_path: Path) -> None:
    said = tmp_path / "said"
    said.write_text(
        "POWER MANAGER\n  mWakefulness=Awake\r\n  mWakefulness=Asleep\n mStayOn=" + "x" * 9000 + "\n other\n"
    )
    plan.launches = 2
    plan.extra = (
        f"ask name=power argv=cat,{said} keep=mWakefulness=,mStayOn=,mNever= every_s=10",
        "ask name=gone argv=no-such-program keep=x every_s=10",
        "ask name=silent argv=true keep=x every_s=10",
        f"ask name=other argv=cat,{said} keep=y every_s=10",
    )
    result = run(plan)
    assert result.code == 0, result.stderr
    states = result.of(State)
    assert [state.launch for state in states] == [0, 1, 1]
    for state in states:
        awake, stays = state.said["power"]
        assert awake == "mWakefulness=Awake" and stays.startswith("mStayOn=xxx") and len(stays) < 100
        assert {name for name, lines in state.said.items() if lines is None} == {"gone", "silent", "other"}
        assert state.why["gone"] == "there is no no-such-program"
        assert state.why["silent"] == "it says nothing"
        assert state.why["other"] == "it says nothing of what is asked"
    jobs = [n for n, record in enumerate(result.records) if isinstance(record, Job)]
    samples = [n for n, record in enumerate(result.records) if isinstance(record, Sample)]
    asked = [n for n, record in enumerate(result.records) if isinstance(record, State)]
    assert asked[0] < samples[0] < jobs[0] < asked[1] < jobs[1] < asked[2]


def test_a_service_that_never_answers_is_given_up(plan: Any, run: Callable[..., Any]) -> None:
    plan.launches = 3
    plan.extra = ("ask name=power argv=sleep,60 keep=x every_s=10",)
    began = time.monotonic()
    result = run(plan)
    assert result.code == 0, result.stderr
    assert [state.why for state in result.of(State)] == [{"power": "no answer in time"}] * 4
    assert time.monotonic() - began < 20  # asked twice, for 2 s each
