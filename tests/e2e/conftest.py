"""The command line as a user runs it: a process of its own, from a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Answer:
    """What a command left."""

    code: int
    out: str
    err: str


Harness = Callable[..., Answer]


@pytest.fixture
def harness(tmp_path: Path, isolated_state: Path) -> Harness:
    """Runs ``harness ARGS`` in tmp_path; fails on a traceback. No adb server of the host is asked: port 1 is closed."""

    def run(*argv: str, timeout: float = 240, **env: str) -> Answer:
        done = subprocess.run(
            [sys.executable, "-m", "harness.cli", *argv],
            cwd=tmp_path,
            env={**os.environ, **env},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Answer(done.returncode, done.stdout, done.stderr)

    return run
