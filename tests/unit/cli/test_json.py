"""--json: one object on stdout and nothing else there, for every command that has it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer.testing

from harness.cli import build, main
from harness.errors import ExitCode
from harness.measure import runner, tune, verify
from harness.measure.request import DeviceOutcome
from harness.measure.tune import Tuned
from harness.measure.verify import Verified
from harness.toolchain.builder import Built

pytestmark = pytest.mark.unit

BUILT = Built(
    Path("/b/convbench"), Path("/b/libindirectconv.a"), "0" * 40, "host", "host", 1.25, True, {"flags": "-O3"}
)


@pytest.fixture(autouse=True)
def no_native(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing is built or measured."""
    done = runner.RunResult(tmp_path, [DeviceOutcome("local", samples=3)], ExitCode.DONE)
    monkeypatch.setattr(build, "build", lambda *_: BUILT)
    monkeypatch.setattr(verify, "verify_all", lambda *_: [Verified("local", checked=7)])
    monkeypatch.setattr(tune, "tune_all", lambda *_: [Tuned("local", tables=[tmp_path / "0.tuned"])])
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
    ],
)
def test_one_object_and_nothing_else(argv: list[str], key: str) -> None:
    done = typer.testing.CliRunner().invoke(main.app, [*argv, "--json"], standalone_mode=False)
    assert done.exception is None
    value: Any = json.loads(done.stdout)
    assert isinstance(value, dict)
    assert value[key]
