"""--json: one object on stdout and nothing else there, for every command that has it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import synthetic
from harness.cli import build, program
from harness.exit_codes import ExitCode
from harness.measure.once import tune, verify
from harness.measure.once.tune import Tuned
from harness.measure.once.verify import Verified
from harness.measure.outcome import Results
from harness.measure.run import runner
from harness.measure.run.outcome import SessionOutcome
from harness.toolchain.builder import Built

pytestmark = pytest.mark.unit

BUILT = Built(
    Path("/b/convbench"), Path("/b/libindirectconv.a"), "0" * 40, "host", "host", 1.25, True, {"flags": "-O3"}
)


@pytest.fixture(autouse=True)
def no_native(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing is built or measured."""
    done = runner.RunResult(tmp_path, [SessionOutcome("local", samples=3)], ExitCode.DONE)
    monkeypatch.setattr(build, "build", lambda *_: BUILT)
    monkeypatch.setattr(verify, "verify_all", lambda *_: Results([Verified("local", checked=7)], ExitCode.DONE))
    monkeypatch.setattr(
        tune, "tune_all", lambda *_: Results([Tuned("local", tables=[tmp_path / "0.tuned"])], ExitCode.DONE)
    )
    monkeypatch.setattr(runner, "start", lambda *_: done)


@pytest.mark.parametrize(
    ("argv", "key"),
    [
        (["devices", "--device", "local"], "devices"),
        (["suites"], "suites"),
        (["suites", "smoke"], "layers"),
        (["build"], "path"),
        (["verify", "smoke", "--device", "local"], "devices"),
        (["tune", "smoke", "--device", "local", "--out", "tables"], "devices"),
        (["run", "smoke", "--device", "local"], "report"),
        (["run", "smoke", "--device", "local", "--dry-run"], "jobs"),
        (["report", "RUN"], "sentences"),
    ],
)
def test_one_object_and_nothing_else(
    argv: list[str], key: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    synthetic.make_run(tmp_path / "RUN", layers=synthetic.LAYERS[:1], launches=1, rounds=1)
    program.perform([*argv, "--json"])
    value: Any = json.loads(capsys.readouterr().out)
    assert isinstance(value, dict)
    assert value[key]
