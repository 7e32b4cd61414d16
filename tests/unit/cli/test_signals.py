"""Signals: always a line, and a second one does not break the orderly end that the first one began."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

pytestmark = pytest.mark.unit

_OUTSIDE = """
import os, signal, sys
from harness.cli import build, main
def slow(*_):
    try:
        os.kill(os.getpid(), {signal})
    finally:
        {within}
        print("cleaned up", file=sys.stderr)
build.build = slow
sys.argv = ["harness", "build", "--abi", "host"]
main.main()
"""

_MEASURING = """
import os, signal, sys
from pathlib import Path
from types import SimpleNamespace
from harness.cli import main, run
from harness.exit_codes import ExitCode
from harness.measure.run import runner
from harness.measure.run.outcome import SessionOutcome
import harness.report.writer as writer
def start(context, out):
    with context.stopping() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.is_set()
        {during}
    {after}
    return runner.RunResult(Path("/r"), [SessionOutcome("local")], ExitCode.INTERRUPTED)
def report(path):
    {reporting}
    return SimpleNamespace(code=ExitCode.DONE, answer=(), told=(), value={{}})
runner.start, writer.write_report = start, report
sys.argv = ["harness", "run", "smoke", "--device", "local"]
main.main()
"""
_AGAIN = "os.kill(os.getpid(), signal.SIGTERM)"


def ran(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False, env=dict(os.environ)
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_outside_of_measuring_it_is_said(number: signal.Signals) -> None:
    done = ran(_OUTSIDE.format(signal=int(number), within="pass"))
    assert (done.returncode, done.stderr) == (130, "cleaned up\nharness: interrupted\n")


def test_a_second_one_leaves_the_cleaning_up_alone() -> None:
    done = ran(_OUTSIDE.format(signal=2, within=_AGAIN))
    assert done.returncode == 130
    assert done.stderr.splitlines()[1:] == ["cleaned up", "harness: interrupted"]


@pytest.mark.parametrize("place", ["during", "after", "reporting"])
def test_a_second_one_does_not_break_the_orderly_end(place: str) -> None:
    done = ran(_MEASURING.format(**{"during": "pass", "after": "pass", "reporting": "pass", place: _AGAIN}))
    assert done.returncode == 130, done.stderr
    assert "still stopping" in done.stderr
    assert "to go on: harness run --resume /r" in done.stderr
    assert "report: /r/report.html" in done.stdout


def test_a_third_one_quits_at_once() -> None:
    done = ran(_MEASURING.format(during=_AGAIN, after="pass", reporting=_AGAIN))
    assert done.returncode == 130
    assert "quit: later" in done.stderr
    assert "to go on" not in done.stderr
