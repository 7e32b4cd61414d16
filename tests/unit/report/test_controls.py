"""The controls that a device lacks, and whom that favours."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from harness.model.condition import Condition
from harness.model.policy import Policy
from harness.report.controls import find_missing
from harness.report.writer import write_report
from harness.results.results import make_results

pytestmark = pytest.mark.unit

POLICY = Policy(name="p").model_dump(mode="json")
HELD = POLICY | {"settings": POLICY["settings"] | {"fixed_performance": True}}


@pytest.fixture
def run(synthetic: ModuleType, tmp_path: Path) -> Path:
    made: Path = synthetic.make_run(tmp_path / "run", launches=2, rounds=1, layers=synthetic.LAYERS[1:3])
    with_policy(made, HELD)
    rewrite(made, "gate", lambda gate: gate)
    return made


def with_policy(run: Path, policy: Any) -> None:
    manifest = json.loads((run / "manifest.json").read_text())
    (run / "manifest.json").write_text(json.dumps(manifest | {"policy": policy}))


def rewrite(run: Path, kind: str, change: Any) -> None:
    """Changes records of a kind; a clock's cap is read behind every gate."""
    file = run / "devices/pixel-3/records.jsonl"
    lines = []
    for line in file.read_text().splitlines():
        record = json.loads(line)
        record = change(record) if record["type"] == kind else record
        lines.append(json.dumps(record))
        if record["type"] == "gate" and kind == "gate":
            reading = {"type": "telemetry", "seq": record["seq"], "launch": record["launch"], "t_ns": 1}
            lines.append(json.dumps(reading | {"freq_khz": {"policy4/scaling_max_freq": 2_803_000}}))
    file.write_text("\n".join(lines) + "\n")


def missing(run: Path) -> dict[str, str]:
    (of_phone,) = find_missing(make_results(run))
    for each in of_phone.missing:
        assert each.times and each.ratios
    return {each.control: each.why for each in of_phone.missing}


def refused(run: Path, what: str) -> None:
    with (run / "devices/pixel-3/events.jsonl").open("a") as file:
        file.write(json.dumps({"event": "condition", **Condition("SETTING_REFUSED", what).as_json()}) + "\n")


def test_a_phone_that_lacks_none(run: Path) -> None:
    assert missing(run) == {}
    assert "None of those that can be told." in write_report(run).report.read_text()


def no_clock(worker: Any) -> Any:
    return worker | {"clock": {"available": False, "reason": "two chains differ"}}


@pytest.mark.parametrize(
    ("kind", "change", "control", "why"),
    [
        pytest.param(
            "worker", lambda w: w | {"nice": 0}, "Priority", "4 of 4 workers ran with a nice value of 0", id="nice"
        ),
        pytest.param(
            "worker", lambda w: w | {"nice": None}, "Priority", "these records do not tell it", id="nice-untold"
        ),
        pytest.param("worker", no_clock, "Clock under load", "in 4 of 4 workers: two chains differ", id="clock"),
        pytest.param(
            "gate",
            lambda g: g | {"status": "unavailable"},
            "A cool start",
            "neither a temperature nor the clock was to be had before 4 of 4 launches",
            id="blind",
        ),
        pytest.param(
            "gate", lambda g: g | {"status": "capped"}, "A cool start", "gave up at its cap before 4 of 4", id="capped"
        ),
        pytest.param(
            "gate",
            lambda g: g | {"status": "spent"},
            "A cool start",
            "gave up with its share of the time before 4 of 4",
            id="spent",
        ),
        pytest.param(
            "sample", lambda s: s | {"repinned": 1}, "Pinning", "(100 %); they were taken anew", id="repinned"
        ),
        pytest.param(
            "telemetry",
            lambda t: t | {"freq_khz": {}},
            "Caps on the clock",
            "(scaling_max_freq) cannot be read",
            id="cap",
        ),
        pytest.param(
            "sample", lambda s: s | {"cpu_ns": None}, "Other programs", "CPU time beside samples", id="no-cpu-time"
        ),
        pytest.param(
            "header",
            lambda h: h | {"caches": h["caches"] | {"llc_assumed": True}},
            "Size of the last-level cache",
            "does not tell it",
            id="llc",
        ),
    ],
)
def test_each_control_by_itself(run: Path, kind: str, change: Any, control: str, why: str) -> None:
    file = run / "devices/pixel-3/records.jsonl"
    records = [json.loads(line) for line in file.read_text().splitlines()]
    changed = [change(record) if record["type"] == kind else record for record in records]
    file.write_text("".join(json.dumps(record) + "\n" for record in changed))
    found = missing(run)
    assert list(found) == [control]
    assert why in found[control]


def test_settings_that_were_refused_or_not_asked_for(run: Path) -> None:
    refused(run, "brightness: is 5 after writing '1'")
    assert missing(run) == {}
    refused(run, "stay_awake: java.lang.SecurityException; fixed_performance: Android 9 does not have it")
    found = missing(run)
    assert found["Kept awake"] == "the phone refused it: java.lang.SecurityException"
    assert found["Clocks that last"].endswith("the phone refused it: Android 9 does not have it")
    with_policy(run, POLICY | {"settings": POLICY["settings"] | {"stay_awake": False}})
    found = missing(run)
    assert "not asked for (policy: settings.stay_awake)" in found["Kept awake"]
    assert "not asked for (policy: settings.fixed_performance)" in found["Clocks that last"]


def test_this_machine_and_an_emulated_one(synthetic: ModuleType, tmp_path: Path) -> None:
    phones = [
        synthetic.Phone(name="local", kind="local", clusters=(("0-1", "", 2000),)),
        synthetic.Phone(emulated=True, nice=None),
    ]
    here, emulated = find_missing(make_results(synthetic.make_run(tmp_path / "run", phones, launches=1, rounds=1)))
    assert "this machine's governor sets the clocks" in " ".join(each.why for each in here.missing)
    assert "Kept awake" not in {each.control for each in here.missing}
    first = emulated.missing[0]
    assert (emulated.mark, first.control, first.times) == ("EMULATED", "A CPU of its own", "mean nothing")


def test_interruptions_of_shared_calls_are_not_seen(synthetic: ModuleType, tmp_path: Path) -> None:
    phone = synthetic.Phone(clusters=(("4-7", "", 2803),), threads=(1, 4))
    shared = missing(synthetic.make_run(tmp_path / "run", [phone], launches=1, rounds=1))
    assert "up to 4 threads" in shared["Other programs on shared calls"]


def test_without_verdicts_all_samples_count(run: Path) -> None:
    with_policy(run, HELD | {"verdicts": False})
    assert missing(run) == {"Verdicts": "the policy judges no sample: all count"}


@pytest.mark.parametrize("policy", [None, [], {"settings": 3}, {"settings": {"stay_awake": "maybe"}}])
def test_a_manifest_without_settings(run: Path, policy: Any) -> None:
    with_policy(run, policy)
    assert "not asked for" in missing(run)["Clocks that last"]
    page = write_report(run)
    assert "| Clocks that last |" in (run / "summary.md").read_text()
    assert '<section id="controls">' in page.report.read_text()
