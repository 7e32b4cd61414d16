"""``harness calibrate``: what it asks for, and that an interrupted one is gone on with by ``run --resume``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import synthetic
from harness.cli import options, program
from harness.cli.calibrate import Calibrate
from harness.control import calibrations
from harness.devices.base import Attached
from harness.exit_codes import ExitCode
from harness.measure.run import manifest, runner
from harness.model.calibration import Calibration
from harness.model.policy import Policy
from harness.store.rundir import RunDir

pytestmark = pytest.mark.unit

SHAPES = [synthetic.LAYERS[n] for n in (1, 2)]
POLICY = Policy(name="mine", launches=8, rounds=4)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunDir:
    """A calibration that was interrupted in its last launch; what --resume measures lies in records.rest."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    made = RunDir(synthetic.make_run(tmp_path / "RUN", [synthetic.Phone(aa=1.0)], SHAPES, launches=8, rounds=4))
    asked = {"algorithms": ["indirect"], "aa": True, "calibration": True, "policy": POLICY.model_dump(mode="json")}
    value = json.loads((made.path / "manifest.json").read_text()) | asked
    value |= {"suite": {"name": "calibrate-s", "layers": SHAPES}, "status": "interrupted", "exit_code": 130}
    (made.path / "manifest.json").write_text(json.dumps(value))
    device = made.device("pixel-3")
    device.events.add("removed")
    whole = device.records.read_text()
    device.records.with_suffix(".rest").write_text(whole)
    cut = [line for line in whole.splitlines() if '"launch": 7' not in line]
    device.records.write_text("\n".join(cut) + "\n")
    monkeypatch.setattr(options.DeviceOptions, "find", lambda *_, **__: Attached())
    return made


def stored(run: RunDir) -> Calibration | None:
    (phone,) = manifest.owners(run).values()
    assert phone is not None
    return calibrations.stored(phone, "mine", pytest.fail)


def resumed(_: object, run: RunDir) -> runner.RunResult:
    rest = run.device("pixel-3").records.with_suffix(".rest")
    run.device("pixel-3").records.write_text(rest.read_text())
    run.update_manifest(status="done", exit_code=0)
    return runner.RunResult(run.path, [], ExitCode.DONE, something_is_missing=False)


def test_it_asks_for_a_pair_of_the_suite_and_policy_that_were_named() -> None:
    request = Calibrate(suite="smoke", policy="thorough")._request()
    assert (request.suite, request.suite_given, request.policy_given) == ("calibrate-smoke", "smoke", "thorough")
    assert request.calibration and request.aa
    request = Calibrate()._request()
    assert (request.suite_given, request.policy.name) == ("quick", request.policy_given)


def test_an_interrupted_one_keeps_nothing_and_its_resume_does(
    run: RunDir, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "resume", lambda _, run: runner.RunResult(run.path, [], ExitCode.INTERRUPTED))
    assert program.perform(["run", "--resume", "RUN"]) == ExitCode.INTERRUPTED
    text = capsys.readouterr()
    assert "pixel-3: not kept: not all of it was measured" in text.out
    assert "to go on: harness run --resume RUN" in text.err and stored(run) is None

    monkeypatch.setattr(runner, "resume", resumed)
    assert program.perform(["run", "--resume", "RUN"]) == ExitCode.DONE
    out = capsys.readouterr().out
    assert "pixel-3 CPUs 4-7 hot: A/A passed (2 of 2 intervals hold 1), noise floor " in out
    assert "pixel-3: kept for the policy mine in " in out and out.endswith("report: RUN/report.html\n")
    kept = stored(run)
    assert kept is not None and {place.verdict for place in kept.places} == {"passed"}


def test_one_that_was_killed_before_it_was_kept_is_kept_by_resume(
    run: RunDir, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    resumed(None, run)
    monkeypatch.setattr(runner, "resume", lambda *_: pytest.fail("nothing is left to measure"))
    assert program.perform(["run", "--resume", "RUN", "--json"]) == ExitCode.DONE
    value = json.loads(capsys.readouterr().out)
    assert value["messages"] == ["nothing missing"]
    assert [device["device"] for device in value["devices"]] == ["pixel-3"]
    assert stored(run) is not None


def test_another_run_is_no_calibration(run: RunDir, monkeypatch: pytest.MonkeyPatch) -> None:
    run.update_manifest(calibration=False)
    monkeypatch.setattr(runner, "resume", resumed)
    assert program.perform(["run", "--resume", "RUN"]) == ExitCode.DONE
    assert stored(run) is None
