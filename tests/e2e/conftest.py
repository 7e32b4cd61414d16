"""The command line as a user runs it: a process of its own, from a folder of its own."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from harness.cli import program
from tests.conftest import Answer
from tests.integration.run.conftest import Bench

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture
def harness(command_line: Callable[..., Any], tmp_path: Path, isolated_state: Path) -> Callable[..., Any]:
    """Runs ``harness ARGS`` in tmp_path; ``timeout`` in seconds, other keywords are environment variables."""
    return partial(command_line, cwd=tmp_path)


@pytest.fixture
def tool(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Answer]]:
    """``harness`` within this process: for what ends before much is done, of which a process's start is the most."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}

    def run(*argv: str, **env: str) -> Answer:
        capsys.readouterr()
        with monkeypatch.context() as patch:
            patch.chdir(tmp_path)
            for name, value in env.items():
                patch.setenv(name, value)
            code = program.run(argv)
        out, err = capsys.readouterr()
        assert "Traceback" not in err, err
        return Answer(code, out, err)

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """Headless Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        launched = playwright.chromium.launch(executable_path=chromium, args=arguments)
        yield launched
        launched.close()


@pytest.fixture
def bench(command_line: Callable[..., Any], tmp_path: Path, isolated_state: Path) -> Iterator[Bench]:
    """A bench in tmp_path, without phones; runs still in progress end with the test."""
    made = Bench(SimpleNamespace(environment={}), tmp_path, command_line)
    yield made
    made.end()
