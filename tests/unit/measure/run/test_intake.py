"""What is said and learned of records as they arrive."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.control import baseline
from harness.control.heat import Heat, HeatSource
from harness.devices.base import Identity
from harness.devices.phone_id import PhoneId
from harness.exit_codes import ExitCode
from harness.measure.run.intake import Intake
from harness.measure.run.outcome import SessionOutcome
from harness.measure.run.progress import DeviceProgress
from harness.store import records
from harness.store.journal import EventLog, read_lines
from harness.store.system_records import State, Telemetry
from tests.variants import fields

pytestmark = pytest.mark.unit

PHONE = PhoneId.of(Identity("S1", "adb", model="Pixel 3"))
WORKER = {
    "type": "worker", "seq": 1, "launch": 0, "build": "b", "pid": 7, "cpus": "4", "clock": {"available": False},
    "peak": {"isa": "neon", "ok": False},
}  # fmt: skip
ERROR = {
    "type": "error", "seq": 1, "launch": 0, "layer": "l", **fields("direct/k"), "reason": "killed",
}  # fmt: skip


@pytest.fixture
def outcome() -> SessionOutcome:
    return SessionOutcome("pixel-3")


@pytest.fixture
def events(tmp_path: Path) -> EventLog:
    return EventLog(tmp_path / "events.jsonl")


@pytest.fixture
def intake(outcome: SessionOutcome, events: EventLog) -> Intake:
    return Intake(PHONE, outcome, DeviceProgress("pixel-3"), events)


def test_evidence_that_gives_garbage_is_an_event_once(intake: Intake, tmp_path: Path) -> None:
    telemetry = {"type": "telemetry", "seq": 1, "launch": 0, "t_ns": 1, "freq_khz": {"policy4/scaling_max_freq": None}}
    for why in ("no number: 'x'", "no number: 'x'", "", "no number: 'x'", "cannot be: -5"):
        record = Telemetry.model_validate({**telemetry, "why": {"policy4/scaling_max_freq": why}})
        intake.take("4-7", record)
    state = {"type": "state", "seq": 2, "launch": 0, "t_ns": 2, "said": {"power": None}, "why": {"power": "gone"}}
    for _ in range(2):
        intake.take("4-7", State.model_validate(state))
    told = [
        (e["source"], e["why"]) for e in read_lines(tmp_path / "events.jsonl") if e["event"] == "evidence unreadable"
    ]
    cap = "policy4/scaling_max_freq"
    assert told == [(cap, "no number: 'x'"), (cap, "cannot be: -5"), ("power", "gone")]


def test_a_refused_table_is_said_once_and_is_no_failure(
    intake: Intake, outcome: SessionOutcome, capsys: pytest.CaptureFixture[str]
) -> None:
    for table in (None, {"sha256": "ab" * 32}, *[{"sha256": "ab" * 32, "refused": "the table is damaged"}] * 2):
        intake.take("4-7", records.Worker.model_validate({**WORKER, "table": table}))
    said = "cluster 4-7: the table is damaged: it is not used, `auto` goes by the model"
    assert outcome.messages == [said] and outcome.codes == [] and not outcome.unfinished
    assert capsys.readouterr().err == f"pixel-3: {said}\n"


@pytest.mark.parametrize(("status", "hottest"), [("passed", 34.0), ("unjudged", 27.0), ("capped", 27.0)])
def test_only_a_gate_that_saw_the_device_rest_tells_of_other_runs(
    intake: Intake, outcome: SessionOutcome, capsys: pytest.CaptureFixture[str], status: str, hottest: float
) -> None:
    intake.heat = Heat(HeatSource("zone:cpu", "file"))
    baseline.store(PHONE, "zone:cpu", 27.0, pytest.fail)
    gate = {"type": "gate", "seq": 1, "launch": 0, "status": status, "capped": status == "capped", "learned": 34.0}
    gate |= {"source": "zone:cpu", "baseline": 27.0, "tolerance_c": 1.0}
    intake.take("4-7", records.Gate.model_validate(gate))
    assert baseline.stored(PHONE, "zone:cpu", pytest.fail) == hottest
    assert intake.heat.rest.today_c == 34.0  # the gates of this run go by it all the same
    assert len(outcome.messages) == (1 if status == "passed" else 0)
    assert ("hotter than in any run before" in capsys.readouterr().err) == (status == "passed")


@pytest.mark.parametrize(("external", "codes"), [(True, []), (False, [ExitCode.INFRASTRUCTURE])])
def test_an_error_that_is_not_the_variants_own_is_no_failure(
    intake: Intake, outcome: SessionOutcome, external: bool, codes: list[ExitCode]
) -> None:
    intake.take("4-7", records.Error.model_validate({**ERROR, "external": external}))
    assert outcome.codes == codes
    (said,) = outcome.messages
    assert "direct/k on l, launch 1: killed" in said


def test_clocks_of_a_cool_device_are_kept_for_later_gates_and_runs(intake: Intake) -> None:
    """The best one that passed; one that stays lower takes its place. Each cluster has its own."""
    gate = {"type": "gate", "seq": 1, "launch": 0, "waited_s": 4.0, "clock": "probe"}
    for cluster, status, mhz, known in (
        ("4-7", "passed", 2800.0, 2800.0),
        ("4-7", "passed", 2790.0, 2800.0),
        ("4-7", "spent", 2900.0, 2800.0),
        ("4-7", "passed", 2810.0, 2810.0),
        ("4-7", "settled", 1400.0, 1400.0),
        ("0-3", "passed", 1700.0, 1700.0),
    ):
        intake.take(cluster, records.Gate.model_validate({**gate, "status": status, "mhz": mhz}))
        assert intake.heat.cool_mhz[cluster] == known
    assert baseline.stored_clocks(PHONE, ["4-7", "0-3", "8"], pytest.fail) == {"4-7": 1400.0, "0-3": 1700.0}
    job = {"type": "job", "seq": 1, "launch": 0, "layer": "l", "rounds": 1, "rounds_planned": 1, "complete": True}
    intake.take("4-7", records.Job.model_validate({**job, "elapsed_s": 90.0}))
    assert (intake.heat.waited_s, intake.heat.measured_s) == (24.0, 90.0)
    assert [intake.heat.credit_s(share) for share in (0.0, 0.25, 0.5, 1.0)] == [0, 6, 66, 0]


def test_a_later_gate_that_finds_another_rest_tells_nothing_of_other_runs(intake: Intake) -> None:
    intake.heat = Heat(HeatSource("zone:cpu", "file"))
    baseline.store(PHONE, "zone:cpu", 27.0, pytest.fail)
    gate = {"type": "gate", "seq": 1, "launch": 1, "status": "passed", "plateau": 28.0, "learned": 40.0}
    intake.take("4-7", records.Gate.model_validate({**gate, "baseline": 27.0, "tolerance_c": 1.0}))
    assert intake.heat.rest.today_c == 40.0
    assert baseline.stored(PHONE, "zone:cpu", pytest.fail) == 27.0
