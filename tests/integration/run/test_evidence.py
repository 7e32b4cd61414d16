"""What a phone tells beside samples: a screen that goes off in the run, files of garbage, services that are missing."""

from __future__ import annotations

import csv
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from harness.lab import controls, rehearsal
from harness.lab.manager import PhoneHandle

pytestmark = pytest.mark.integration

CPUFREQ = "devices/system/cpu/cpufreq/policy4"
HIGHEST = 2803200


@pytest.fixture(scope="module")
def phone(lab: Any) -> Iterator[PhoneHandle]:
    with lab.phone() as made:
        yield made


@contextmanager
def counting(phone: PhoneHandle) -> Iterator[None]:
    """The fast cluster's time_in_state counts, at its highest frequency."""
    over = threading.Event()

    def count() -> None:
        while not over.wait(0.05):
            controls.run_at(phone, 4, HIGHEST, 50)

    thread = threading.Thread(target=count)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def tainted(run: Path) -> dict[str, set[str]]:
    """By launch, the reasons of its samples."""
    found: dict[str, set[str]] = {}
    with (run / "verdicts.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            found.setdefault(row["launch"], set()).add(row["reasons"])
    return found


def told(bench: Any) -> dict[str, str | None]:
    """What device.json says of each source: why it tells nothing, or None."""
    value = json.loads((bench.run.path / "devices" / "pixel-3" / "device.json").read_text())
    return {source["name"]: source["why"] for source in value["evidence"]}


def test_a_screen_that_goes_off_in_the_run_taints_what_it_touched(bench: Any, phone: PhoneHandle) -> None:
    # Launches of seconds: the screen goes off within one, however late the host sees that it has begun.
    suite = bench.suite("body", launches=4, rounds=24, min_ms=20, verdicts="true")

    def begun(launch: int) -> Any:
        return lambda run: any(sample["launch"] == launch for sample in run.records("sample"))

    with counting(phone):
        began = bench.begin(suite, "--clusters", "4-7")
        began.until(begun(1))
        rehearsal.put_on(phone, "screen=off")
        began.until(begun(3))
        rehearsal.clear(phone)
        code, err = began.end()
    assert code in (0, 4), err
    first = [record["launch"] for record in bench.run.records("state")]
    assert first[:5] == [0, 1, 2, 3, 3]
    assert told(bench) == dict.fromkeys(told(bench)), "it tells everything"
    found = tainted(bench.run.path)
    assert found["0"] == {""}
    assert all("SCREEN_OFF" in found[launch] for launch in "23")  # on a busy host launch 1 may have ended before
    assert "measured again" in bench.run.events()  # with the screen on
    spent = [states for record in bench.run.records("telemetry") for states in record.get("states_ms", {}).values()]
    assert {khz for states in spent for khz in states} == {str(HIGHEST)}
    html, summary = (bench.run.path / "report.html").read_text(), (bench.run.path / "summary.md").read_text()
    assert "time at each frequency" in html and "2803 MHz 100 %" in html
    assert "SCREEN_OFF" in summary and "took" in summary


def test_garbage_and_what_is_missing_have_reasons_and_are_no_verdict(bench: Any, phone: PhoneHandle) -> None:
    """A cap that is a word, a count that goes back, services that are gone: exit 0, no sample tainted for it."""
    kept = (phone.root / "sys" / CPUFREQ / "scaling_max_freq").read_text()
    controls.write_sysfs(phone, f"{CPUFREQ}/scaling_max_freq", "-1\n")
    rehearsal.put_on(phone, "dumpsys=missing")
    try:
        began = bench.begin(bench.suite("body", launches=4, rounds=5, verdicts="true"), "--clusters", "4-7")
        began.until_samples(10)
        controls.write_sysfs(phone, f"{CPUFREQ}/scaling_max_freq", "performance\n")
        code, err = began.end()
    finally:
        rehearsal.clear(phone)
        controls.write_sysfs(phone, f"{CPUFREQ}/scaling_max_freq", kept)
    assert code in (0, 4), err
    sources = told(bench)
    assert sources["policy4/scaling_max_freq"] == "it holds what cannot be: '-1'"
    assert sources["policy4/cpuinfo_max_freq"] is None and sources["policy4/time_in_state"] is None
    assert sources["power"] and sources["thermalservice"]
    assert not bench.run.records("state")
    events = [event for event in bench.run.lines("events.jsonl") if event["event"] == "evidence unreadable"]
    assert [(e["source"], e["why"]) for e in events] == [
        ("policy4/scaling_max_freq", "cannot be: -1"),
        ("policy4/scaling_max_freq", "no number: 'performance'"),
    ]
    assert not any("CAPPED" in reason for reasons in tainted(bench.run.path).values() for reason in reasons)
    html = (bench.run.path / "report.html").read_text()
    assert "no number: &#39;performance&#39;" in html and "it stood still: unknown" in html
