"""Signals: always a line, and a second one does not break the orderly end that the first one began."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from harness.cli.signals import TimedOut, deadline, stop_on_signal, time_left

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


_LATE = """
import os, signal, sys, time
from harness.cli import build, main
def slow(*_):
    try:
        time.sleep(30)
    finally:
        print("cleaned up", file=sys.stderr)
build.build = slow
sys.argv = ["harness", "build", "--abi", "host", "--timeout", "0.05"]
main.main()
"""


def test_a_time_limit_ends_what_is_going_on() -> None:
    done = ran(_LATE)
    assert done.returncode == 3
    assert done.stderr == "cleaned up\nharness: the time of --timeout was over\n  give it more time\n"


_LATE_WHILE_MEASURING = """
import os, signal, sys, threading, time
from pathlib import Path
from types import SimpleNamespace
from harness.cli import main, run
from harness.measure.outcome import code_of
from harness.measure.run import runner
from harness.measure.run.outcome import SessionOutcome
import harness.report.writer as writer
def start(context, out):
    with context.stopping() as stop:
        assert stop.wait(30)
        {signalled}
    return runner.RunResult(Path("/r"), [SessionOutcome("local")], code_of([], stop=stop), timed_out=stop.timed_out)
runner.start = start
writer.write_report = lambda path: SimpleNamespace(code=0, answer=(), told=(), value={{}})
sys.argv = ["harness", "run", "smoke", "--device", "local", "--timeout", "{seconds}", "--json"]
main.main()
"""


def test_a_time_limit_ends_measuring_in_order() -> None:
    done = ran(_LATE_WHILE_MEASURING.format(signalled="pass", seconds=0.3))
    assert done.returncode == 3, done.stderr
    assert "the time of --timeout is over: taking over what was measured" in done.stderr
    assert "to go on: harness run --resume /r" in done.stderr
    assert '"timed_out": true' in done.stdout


def test_a_signal_after_the_time_limit_is_answered_first() -> None:
    done = ran(_LATE_WHILE_MEASURING.format(signalled=_AGAIN, seconds=0.3))
    assert done.returncode == 3 and "still stopping" in done.stderr


def test_an_end_by_signal_is_not_cut_off_by_the_time_limit() -> None:
    code = _MEASURING.format(during="time.sleep(0.5)", after="time.sleep(0.1)", reporting="pass")
    code = code.replace("import os, signal, sys", "import os, signal, sys, time")
    code = code.replace('"local"]', '"local", "--timeout", "0.4"]')
    done = ran(code)
    assert done.returncode == 130, done.stderr
    assert "--timeout" not in done.stderr and "report: /r/report.html" in done.stdout


@pytest.fixture
def handlers() -> Iterator[None]:
    """Those of this process are put back: after a signal they stay as they are."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_time_limit_holds_for_further_measuring_and_not_between(handlers: None) -> None:
    with deadline(0.03):
        with stop_on_signal():
            pass
        time.sleep(0.05)  # a report
        with pytest.raises(TimedOut), time_left():
            time.sleep(5)
        with stop_on_signal() as stop:
            assert stop.wait(5) and stop.timed_out
    with stop_on_signal() as stop:
        assert not stop.wait(0.05)
