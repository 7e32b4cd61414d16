"""The command line as a user runs it: a process of its own, from a folder of its own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def harness(command_line: Callable[..., Any], tmp_path: Path, isolated_state: Path) -> Callable[..., Any]:
    """Runs ``harness ARGS`` in tmp_path; ``timeout`` in seconds, other keywords are environment variables."""
    return partial(command_line, cwd=tmp_path)
