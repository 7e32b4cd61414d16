"""`harness suites NAME`: everything that the suite says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.cli.program import run
from harness.exit_codes import ExitCode

pytestmark = pytest.mark.unit

_SUITE = """suite: mine
workers:
  - {name: theirs, program: theirs.py, files: [weights.bin]}
layers:
  - {name: small, h: 8, w: 8, kh: 3, kw: 3, cin: 4, cout: 4}
"""


def test_workers_of_a_suite_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("theirs.py", "weights.bin"):
        (tmp_path / name).write_text("#!/bin/sh\n")
    (tmp_path / "theirs.py").chmod(0o755)
    file = tmp_path / "mine.yaml"
    file.write_text(_SUITE)
    assert run(["suites", str(file)]) == ExitCode.DONE
    assert f"worker theirs: {tmp_path}/theirs.py, {tmp_path}/weights.bin" in capsys.readouterr().out
    assert run(["suites", str(file), "--json"]) == ExitCode.DONE
    assert [worker["name"] for worker in json.loads(capsys.readouterr().out)["workers"]] == ["theirs"]
