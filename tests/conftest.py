"""What all tests share: one kind per test, counts by kind, tools that may be missing, state that stays in tmp_path."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

# No deadlines: machines are shared. In CI the same examples each time, so that a failure is the change's.
settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")

KINDS = ("unit", "native", "integration", "e2e")
OUTCOMES = ("passed", "failed", "skipped")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

NeedTool = Callable[..., str]

_counts: Counter[tuple[str, str]] = Counter()


def in_ci() -> bool:
    """Whether a test that cannot run is a failure."""
    return os.environ.get("CI", "").lower() in ("true", "1")


def cannot_run(reason: str) -> None:
    """Skips the test visibly; fails it where CI=true."""
    if in_ci():
        pytest.fail(f"cannot run, and CI=true: {reason}", pytrace=False)
    pytest.skip(reason)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test is of exactly one kind."""
    wrong = []
    for item in items:
        kinds = [kind for kind in KINDS if item.get_closest_marker(kind)]
        if len(kinds) != 1:
            wrong.append(f"{item.nodeid} ({', '.join(kinds) or 'none'})")
    if wrong:
        listed = "\n  ".join(wrong[:10])
        raise pytest.UsageError(f"each test needs exactly one marker of {', '.join(KINDS)}:\n  {listed}")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Counts a test once: by its call, or by the set-up or tear-down that ended it."""
    if report.when != "call" and report.outcome == "passed":
        return
    kind = next((kind for kind in KINDS if kind in report.keywords), "unit")
    _counts[kind, report.outcome] += 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A table of kind x outcome."""
    if not _counts:
        return
    terminalreporter.section("tests by kind")
    for kind in KINDS:
        numbers = ", ".join(f"{_counts[kind, outcome]:4d} {outcome}" for outcome in OUTCOMES)
        terminalreporter.write_line(f"{kind:12s} {numbers}")


@pytest.fixture(autouse=True)
def isolated_state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """$XDG_STATE_HOME of the test: baselines and settings to restore never touch the user's own."""
    state = tmp_path_factory.mktemp("state")
    monkeypatch.setenv("XDG_STATE_HOME", str(state))
    return state


@pytest.fixture
def isolated_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of the test's own: $HOME, XDG cache and configuration."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / ".cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    return home


@pytest.fixture
def need_tool() -> NeedTool:
    """``need_tool("mksh", apt="mksh")``: the program's path; the test is skipped (CI: fails) where it is missing."""

    def need(*names: str, apt: str = "") -> str:
        for name in names:
            path = shutil.which(name)
            if path:
                return path
        cannot_run(f"{' or '.join(names)} is missing: apt-get install {apt or names[0]}")
        raise AssertionError("not reached")

    return need


@pytest.fixture
def need_root() -> None:
    """The test needs root."""
    if os.geteuid() != 0:
        cannot_run("needs root")


@pytest.fixture
def chromium(need_tool: NeedTool) -> str:
    """The path of a browser for playwright's ``executable_path``."""
    return need_tool(*BROWSERS, apt="chromium")
