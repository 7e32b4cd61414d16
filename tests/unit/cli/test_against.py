"""The end of ``harness run --against``: decisions, a second look at suspects, what is said where nothing is shared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import synthetic
from harness.cli import against, program
from harness.cli.signals import Interrupted, TimedOut
from harness.errors import InfrastructureError, UsageError
from harness.exit_codes import ExitCode, worst
from harness.measure.other_builds import NothingToCompare
from harness.measure.run import runner
from harness.measure.run.outcome import SessionOutcome
from harness.model.condition import Condition

pytestmark = pytest.mark.unit

LAYERS = synthetic.LAYERS[1:3]
ARGV = ["run", "smoke", "--device", "local", "--against"]


def made(path: Path, im2col: float = 1.0, launches: int = 4, **manifest: Any) -> Path:
    """A run beside a build whose im2col takes so much of the checkout's time."""
    truth = synthetic.Truth(launch_sd=0.002, noise_sd=0.002)
    other = synthetic.Other(times={"im2col": im2col})
    phone = synthetic.Phone(clusters=(("4-7", "Cortex-A75", 2803),), truth=truth, others=[other])
    run = synthetic.make_run(path, [phone], LAYERS, launches, 4, ["hot"])
    file = run / "manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | manifest))
    return run


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with something to name: what is measured beside it is made up."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old").mkdir()
    return tmp_path


def ends_with(monkeypatch: pytest.MonkeyPatch, run: Path, code: ExitCode = ExitCode.DONE) -> None:
    monkeypatch.setattr(runner, "start", lambda *_: runner.RunResult(run, [], code, something_is_missing=False))


@pytest.mark.parametrize(
    ("im2col", "threshold", "code", "words"),
    [
        (0.95, "2%", ExitCode.REGRESSION, "2 slower, 2 same: checkout against HEAD~1"),
        (1.0, "2%", ExitCode.DONE, "4 same: checkout against HEAD~1"),
        (1.0, "0.01%", ExitCode.TOO_LITTLE_DATA, "4 unproven: checkout against HEAD~1"),
    ],
)
def test_it_ends_with_the_decisions(
    im2col: float,
    threshold: str,
    code: ExitCode,
    words: str,
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ends_with(monkeypatch, made(here / "RUN", im2col))
    assert program.perform([*ARGV, "old", "--threshold", threshold, "--export", "junit"]) == code
    assert words in capsys.readouterr().out
    assert (here / "RUN/compare.html").exists() and (here / "RUN/report.html").exists()
    assert ('failures="0"' in (here / "RUN/exports/compare-junit.xml").read_text()) == (code != ExitCode.REGRESSION)


@pytest.mark.parametrize(("again", "code"), [(0.95, ExitCode.REGRESSION), (1.0, ExitCode.DONE)])
def test_suspects_are_measured_again_before_it_fails(
    again: float,
    code: ExitCode,
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = made(here / "RUN", 0.95, confirm=True)
    fresh = made(here / "AGAIN", again, launches=8)

    def resume(_context: object, directory: Any, _programs: object) -> runner.RunResult:
        lines = (run / "plan.jsonl").read_text().splitlines()
        assert len(lines) == 16  # of two layers four launches, and four fresh ones
        kept = (run / "devices/pixel-3/records.jsonl").read_text().splitlines()
        for line in (fresh / "devices/pixel-3/records.jsonl").read_text().splitlines():
            record = json.loads(line)
            if record["type"] == "header":
                kept.append(json.dumps(record | {"attempt": 2}))
            elif record.get("launch", 0) >= 4:
                kept.append(line)
        (run / "devices/pixel-3/records.jsonl").write_text("".join(f"{line}\n" for line in kept))
        return runner.RunResult(directory.path, [], ExitCode.DONE, something_is_missing=False)

    ends_with(monkeypatch, run)
    monkeypatch.setattr(runner, "resume", resume)
    assert program.perform([*ARGV, "old", "--confirm"]) == code
    said = capsys.readouterr()
    assert "2 rows are slower: 8 blocks (layer x launch) are measured again before that is said" in said.err
    confirmed = 2 if code else 0
    assert f"2 rows were slower and measured again in fresh launches, which decide: {confirmed} confirmed" in said.out
    assert program.perform(["compare", str(run)]) == code  # anew from what is on record, without another look


def test_a_run_that_shares_no_row_has_too_little_data(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = made(here / "RUN")
    (run / "devices/pixel-3/records.jsonl").write_text("")
    (run / "plan.jsonl").write_text("")
    ends_with(monkeypatch, run, ExitCode.INFRASTRUCTURE)
    assert program.perform([*ARGV, "old"]) == ExitCode.INFRASTRUCTURE
    assert "has no row that two builds share: nothing to compare" in capsys.readouterr().err
    ends_with(monkeypatch, run)
    assert program.perform([*ARGV, "old", "--json"]) == ExitCode.TOO_LITTLE_DATA
    assert json.loads(capsys.readouterr().out)["compare"] is None


def test_nothing_to_compare_is_no_fault(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def start(*_: object) -> runner.RunResult:
        raise NothingToCompare("nothing to compare: old is bit for bit the same program", "nothing was measured")

    monkeypatch.setattr(runner, "start", start)
    assert program.perform([*ARGV, "old", "--json"]) == ExitCode.DONE
    told = json.loads(capsys.readouterr().out)
    assert told["run"] is None and told["messages"][0].startswith("nothing to compare: old")


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ([*ARGV, "-x"], "begins with '-'"),
        ([*ARGV, "./nowhere"], "neither a path nor a revision"),
        (["run", "smoke", "--confirm"], "--confirm is about builds that --against names"),
        (["run", "smoke", "--threshold", "2%"], "--threshold is about builds that --against names"),
        ([*ARGV, "old", "--threshold", "2"], "--threshold 2: not a percentage"),
    ],
    ids=["dash", "nowhere", "confirm", "threshold", "no-percent"],
)
def test_wrong_use_is_one_message(argv: list[str], words: str, here: Path) -> None:
    with pytest.raises(UsageError, match=words):
        program.perform(argv)


def test_a_sustained_suite_has_no_rounds_to_share(here: Path, tmp_path: Path) -> None:
    text = "suite: long\nmode: sustained\nlayers:\n  - {name: a, h: 8, w: 8, kh: 1, kw: 1, cin: 8, cout: 8}\n"
    (tmp_path / "long.yaml").write_text(text)
    with pytest.raises(UsageError, match="--against: a suite of mode sustained has no rounds"):
        program.perform(["run", "long.yaml", "--device", "local", "--against", "old"])


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (InfrastructureError("disk full", "make room"), ExitCode.REGRESSION, "disk full"),
        (TimedOut(), ExitCode.REGRESSION, "the time of --timeout was over"),
        (Interrupted(), ExitCode.INTERRUPTED, "interrupted"),
    ],
    ids=["fails", "timeout", "ctrl-c"],
)
def test_a_failing_second_look_leaves_the_first_decisions(
    error: BaseException,
    code: ExitCode,
    words: str,
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def resume(*_: object) -> runner.RunResult:
        raise error

    run = made(here / "RUN", 0.95, confirm=True)
    ends_with(monkeypatch, run)
    monkeypatch.setattr(runner, "resume", resume)
    assert program.perform([*ARGV, "old", "--confirm"]) == code
    said = capsys.readouterr()
    assert f"the second look failed: {words}" in said.err and "to go on:" in said.err
    shown = said.out.partition("wrote: ")[0]
    assert "2 slower, 2 unproven: checkout" in shown
    assert "2 rows are slower by the first look alone: the second one is planned and has measured nothing" in shown
    assert (run / "compare.csv").exists() and (run / "report.html").exists()
    known = json.loads((run / "manifest.json").read_text())
    assert known["exit_code"] == (ExitCode.INTERRUPTED if code == ExitCode.INTERRUPTED else ExitCode.INFRASTRUCTURE)
    assert known["status"] != "done"
    assert program.perform(["compare", str(run)]) == ExitCode.REGRESSION
    assert capsys.readouterr().out.partition("wrote: ")[0] == shown


def test_no_second_look_where_the_time_was_over(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = made(here / "RUN", 0.95, confirm=True)
    result = runner.RunResult(run, [], ExitCode.INFRASTRUCTURE, timed_out=True)
    monkeypatch.setattr(runner, "start", lambda *_: result)
    monkeypatch.setattr(runner, "resume", lambda *_: pytest.fail("measured again"))
    assert program.perform([*ARGV, "old", "--confirm"]) == ExitCode.REGRESSION


def test_a_signal_between_measuring_and_report_leaves_a_report(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise Interrupted

    run = made(here / "RUN")
    ends_with(monkeypatch, run)
    monkeypatch.setattr(against, "compare_builds", interrupted)
    assert program.perform([*ARGV, "old"]) == ExitCode.INTERRUPTED
    assert (run / "report.html").exists()


def outcome(name: str, *codes: ExitCode, unfinished: bool = False, samples: int = 4) -> SessionOutcome:
    return SessionOutcome(name, list(codes), unfinished=unfinished, samples=samples)


@pytest.mark.parametrize(
    ("first", "absent", "code"),
    [
        (outcome("pixel-3", ExitCode.INFRASTRUCTURE, unfinished=True), set(), ExitCode.DONE),
        (outcome("pixel-3", ExitCode.INFRASTRUCTURE), set(), ExitCode.INFRASTRUCTURE),
        (outcome("pixel-3", ExitCode.WRONG_RESULT, unfinished=True), set(), ExitCode.WRONG_RESULT),
        (outcome("pixel-3"), {"pixel-6"}, ExitCode.INFRASTRUCTURE),
    ],
    ids=["completed", "not-mended", "wrong", "absent"],
)
def test_both_looks_are_one_result(
    first: SessionOutcome,
    absent: set[str],
    code: ExitCode,
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = made(here / "RUN", 0.95, confirm=True)
    first.conditions.append(Condition("HOT", "it was hot"))
    measured = runner.RunResult(
        run, [first], worst([*first.codes, ExitCode.DONE]), absent=set(absent), some_unusable=bool(absent)
    )
    monkeypatch.setattr(runner, "start", lambda *_: measured)
    second = runner.RunResult(run, [outcome("pixel-3")], ExitCode.DONE, something_is_missing=False)
    monkeypatch.setattr(runner, "resume", lambda *_: second)
    program.perform([*ARGV, "old", "--confirm", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert told["samples"] == {"pixel-3": 8} and [each["name"] for each in told["conditions"]["pixel-3"]] == ["HOT"]
    assert json.loads((run / "manifest.json").read_text())["exit_code"] == code
