"""``harness report``: it tells what ``run`` told at its end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import synthetic
from harness.cli import program, run
from harness.exit_codes import ExitCode
from harness.measure.run import runner

pytestmark = pytest.mark.unit


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = synthetic.make_run(
        tmp_path / "RUN", [synthetic.Phone(aa=1.0)], synthetic.LAYERS[1:3], launches=4, rounds=2
    )
    monkeypatch.setattr(runner, "start", lambda *_: runner.RunResult(folder, [], ExitCode.DONE))
    monkeypatch.chdir(tmp_path)
    return folder


def test_it_ends_with_the_lines_of_run(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program.perform(["run", "smoke", "--device", "local"])
    of_run = [line for line in capsys.readouterr().out.splitlines() if not line.startswith("phases: ")]
    program.perform(["report", "RUN"])
    lines = capsys.readouterr().out.splitlines()
    assert lines == of_run
    for begin in ("samples: ", "waiting for a cool device: Pixel 3: ", "A/A passed on Pixel 3, "):
        assert any(line.startswith(begin) for line in lines), begin


def test_json_has_what_that_of_run_has(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program.perform(["run", "smoke", "--device", "local", "--json"])
    of_run = json.loads(capsys.readouterr().out)
    program.perform(["report", "RUN", "--json"])
    value = json.loads(capsys.readouterr().out)
    assert set(run._UNTOLD) <= set(value) & set(of_run)
    assert {key: value[key] for key in run._UNTOLD} == {key: of_run[key] for key in run._UNTOLD}
    assert value["waiting"] and value["aa"] and value["judged"] and value["workers"] == []


def test_without_a_report_json_has_the_same_keys(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (made / "summary.md").mkdir()  # it cannot be written
    assert program.perform(["run", "smoke", "--device", "local", "--json"]) == ExitCode.INFRASTRUCTURE
    value = json.loads(capsys.readouterr().out)
    assert {key: value[key] for key in run._UNTOLD} == run._UNTOLD and value["report"] is None
