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
from tests.integration.faults.page import Page

pytestmark = [pytest.mark.integration, pytest.mark.faults, pytest.mark.timeout(1800)]

POLICY = {"launches": 2, "rounds": 30, "min_ms": 10, "block_budget_s": 120}
WHOLE = 2 * 2 * 30  # launches, variants, rounds
LONGEST_S = 8.0


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
    except (OSError, IndexError):
        return Counter()  # killed before there was anything
    return found


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
    ended = runs = early = 0
    start = (bench.suite("body", **POLICY), "--clusters", "4-7", "--device", phone.serial)
    for _ in range(kills):
        is_begun = (bench.run.path / "manifest.json").exists()
        if not is_begun:
            shutil.rmtree(bench.run.path, ignore_errors=True)
            known = Counter()
            runs += 1
        process = begin(bench, "--resume", "run") if is_begun else begin(bench, *start, "--out", "run")
        try:
            process.wait(chance.uniform(0.2, LONGEST_S))
        except subprocess.TimeoutExpired:
            process.kill()
        else:
            assert process.returncode == 0, process.communicate()
            ended += 1
        process.communicate()
        now = check(bench, known)
        early += not now
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
        f"Killed {kills - ended} times within {LONGEST_S:g} s after each start ({runs} runs, {early} kills before the "
        f"first record): no complete record was lost or doubled, each run was completed by `--resume`, all settings "
        f"were put back, and nothing was left on the phone."
    )
