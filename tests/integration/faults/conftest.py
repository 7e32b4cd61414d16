"""The matrix of faults: one phone that all entries share, and the table of what was seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.lab.manager import PhoneHandle
from tests.integration.faults.page import Page
from tests.integration.faults.revision import revision
from tests.integration.run.conftest import bench, bench_in, forked, forks

__all__ = ["bench", "bench_in", "forked", "forks"]

_ROOT = Path(__file__).resolve().parents[3]


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("faults")
    group.addoption("--kills", type=int, default=50, help="how often the host is killed at a random moment")
    group.addoption("--write-faults", action="store_true", help="write docs/faults.md from what is seen")


@pytest.fixture(scope="session")
def page(request: pytest.FixtureRequest, testrun_uid: str, need_tool: Callable[[str], str]) -> Page:
    """What is seen; written to docs/faults.md where that is asked for."""
    folder = _ROOT / "build" / "faults"
    if not request.config.getoption("--write-faults", default=False):
        return Page(None, folder, testrun_uid, None)
    return Page(_ROOT / "docs" / "faults.md", folder, testrun_uid, revision(_ROOT, need_tool("git")))


@pytest.fixture(scope="module")
def phone(lab: Any) -> Iterator[PhoneHandle]:
    with lab.phone() as made:
        yield made
