"""The host is killed again and again at random moments; each time --resume goes on. No record is lost or doubled."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from typing import Any

import pytest

from harness.lab.manager import PhoneHandle
from tests.integration.faults.page import Kills, Page

pytestmark = [pytest.mark.integration, pytest.mark.faults, pytest.mark.timeout(1800)]

LATE = 0.8  # the share of kills that come once it measures
POLICY = {"launches": 2, "rounds": 30, "min_ms": 10, "block_budget_s": 120}
WHOLE = 2 * 2 * 30  # launches, variants, rounds
EARLY_S = 8.0  # the others: within that many seconds after the start
MEASURES_S = 4.0  # within that many seconds after the first new sample


def begin(bench: Any, *argv: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "harness.cli", "run", *argv],
        cwd=bench.folder,
        env={**os.environ, **bench.lab.environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def samples(bench: Any) -> Counter[Any]:
    try:
        found: Counter[Any] = bench.run.samples()
    except (OSError, IndexError, ValueError):
        return Counter()  # killed before there was anything
    return found


def wait_for_a_sample(bench: Any, process: subprocess.Popen[str], known: Counter[Any]) -> None:
    """Until there is one more than before, or the run has ended."""
    deadline = time.monotonic() + 120
    while process.poll() is None and samples(bench) <= known:
        assert time.monotonic() < deadline, "no sample in two minutes"
        time.sleep(0.05)


def check(bench: Any, before: Counter[Any]) -> Counter[Any]:
    """What is on record now holds all that was, each once."""
    after = samples(bench)
    assert before <= after, "a complete record was lost"
    assert not after or max(after.values()) == 1, "a record stands twice"
    return after


def test_random_kills(bench: Any, phone: PhoneHandle, page: Page, request: pytest.FixtureRequest) -> None:
    kills = request.config.getoption("--kills", default=50)
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    known: Counter[Any] = Counter()
    killed = runs = early = ended = 0
    page.begin_kills()
    start = (bench.suite("body", **POLICY), "--clusters", "4-7", "--device", phone.serial)
    while killed < kills:
        is_begun = (bench.run.path / "manifest.json").exists()
        if not is_begun:
            shutil.rmtree(bench.run.path, ignore_errors=True)
            known = Counter()
            runs += 1
        process = begin(bench, "--resume", "run") if is_begun else begin(bench, *start, "--out", "run")
        is_late = chance.random() < LATE
        if is_late:
            wait_for_a_sample(bench, process, known)
        try:
            process.wait(chance.uniform(0, MEASURES_S) if is_late else chance.uniform(0.2, EARLY_S))
        except subprocess.TimeoutExpired:
            process.kill()
            killed += 1
        else:  # it came to its end before: no kill
            assert process.returncode == 0, process.communicate()
            ended += 1
        process.communicate()
        now = check(bench, known)
        early += process.returncode != 0 and now == known
        known = now
        if process.returncode == 0:
            assert sum(known.values()) == WHOLE
            bench.is_clean(phone)
            shutil.rmtree(bench.run.path)
    if (bench.run.path / "manifest.json").exists():
        done = bench("run", "--resume", "run")
        assert done.code == 0, done.err
        assert sum(check(bench, known).values()) == WHOLE
    time.sleep(0.5)
    bench.is_clean(phone)
    assert bench.lab.shell(phone, "settings get global stay_on_while_plugged_in") == "0"
    page.note_kills(
        Kills(killed, runs, ended, early), f"four of five within {MEASURES_S:g} s after the first new sample"
    )
