"""What is told of a device while it is measured: on a terminal, in a log, and with --quiet."""

from __future__ import annotations

import io
import sys
import threading
import time
from typing import Any

import pytest

from harness.measure.run import progress
from harness.measure.run.progress import DeviceProgress, Display
from harness.store import records

pytestmark = pytest.mark.unit


def job(*, complete: bool = True) -> records.Job:
    told = {"seq": 1, "type": "job", "launch": 0, "layer": "a", "rounds": 1, "rounds_planned": 1, "elapsed_s": 1}
    return records.Job.model_validate({**told, "complete": complete})


class Clock:
    """Time as the test wants it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def measured(clock: Clock, **options: Any) -> DeviceProgress:
    """A device of whose four jobs, each planned to take 10 s, one is done."""
    device = DeviceProgress("pixel-3", **options)
    device.expect(jobs=4, most={"4-7": 4}, seconds=40)
    device.cluster("4-7", 0)
    clock.now += 10
    device.take(job())
    return device


def test_a_lost_phone_is_shown_without_an_estimate(clock: Clock) -> None:
    said: list[str] = []
    device = measured(clock, say=said.append)
    assert progress._line(device) == "pixel-3: 25 %, CPUs 4-7: checking results, 30 s left"
    device.lost(120.0)
    clock.now += 20
    assert progress._line(device) == "pixel-3: 25 %, connection lost, trying again for 100 s"
    device.back()
    assert said == ["pixel-3: connection lost, trying again for 120 s", "pixel-3: connection back"]
    assert progress._line(device) == "pixel-3: 25 %, CPUs 4-7: checking results, 30 s left"
    device.lost(120.0)
    device.finish("failed")
    assert device.text == "failed"


def test_a_job_that_is_measured_once_more_is_counted_once(clock: Clock) -> None:
    device = measured(clock)
    device.take(job(complete=False))
    assert device.percent() == 25
    device.take(job())
    assert device.percent() == 50


def test_the_end_is_near() -> None:
    device = DeviceProgress("pixel-3")
    device.expect(jobs=1, most={"4-7": 1}, seconds=0.5)
    device.cluster("4-7", 0)
    assert progress.left(device) == "nearly done"


class Terminal(io.StringIO):
    """One that says it is."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("name", ["dumb", ""])
def test_a_log_has_plain_lines_seldom(
    name: str, clock: Clock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a terminal, and on one that cannot go back."""
    monkeypatch.setenv("TERM", name)
    if name == "dumb":
        monkeypatch.setattr(sys, "stderr", Terminal())
    assert progress._PLAIN_EVERY_S == 30
    said: list[str] = []
    device = measured(clock, say=said.append)
    ticks = threading.Semaphore(0)

    def say(text: str) -> None:
        said.append(text)
        ticks.release()

    display = Display({"pixel-3": device}, say)
    monkeypatch.setattr(progress, "_PLAIN_EVERY_S", 0.001)
    with display:
        assert ticks.acquire(timeout=10) and ticks.acquire(timeout=10)
        device.finish("done")
    assert set(said) == {"pixel-3: 25 %, CPUs 4-7: checking results, 30 s left"}


def test_quiet_shows_nothing(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with Display({"pixel-3": measured(clock)}, pytest.fail, quiet=True) as display:
        assert not display._thread.is_alive()
    assert terminal.getvalue() == ""


def test_on_a_terminal_a_line_is_redrawn_without_colours_and_what_a_phone_says_is_no_markup(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    device = measured(clock)
    device.text = "[red]its text[/] \x1b[31m and [/nothing]"
    with Display({"pixel-3": device}) as display:
        assert display._live is not None
        display._live.update(display._table(), refresh=True)
    drawn = terminal.getvalue()
    assert "pixel-3  25 %  30 s left  [red]its text[/]  [31m and [/nothing]" in drawn
    assert "\x1b[3" not in drawn  # no colour; cursor control alone
