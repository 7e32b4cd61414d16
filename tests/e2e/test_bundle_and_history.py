"""The way of nightly runs as a user goes it: bundles, checked by other programs too, a history of them, its pages."""

from __future__ import annotations

import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from benchmarks.history import make_night
from tests.conftest import NeedTool

pytestmark = pytest.mark.e2e

SHARES = [1.0] * 3 + [1.1] * 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, command_line: Callable[..., Any]) -> Path:
    """Six nights, the first and the last as bundles, their history, and its pages."""
    made = tmp_path_factory.mktemp("nights")
    state = {"XDG_STATE_HOME": str(made / "state")}
    nights = [make_night(made, night, share).name for night, share in enumerate(SHARES)]
    for night in (0, len(SHARES) - 1):
        answer = command_line("bundle", nights[night], "--out", f"{night}.zip", cwd=made, **state)
        assert (answer.code, answer.out) == (0, f"{night}.zip\n"), answer.err
        nights[night] = f"{night}.zip"
    answer = command_line("history", "add", *nights, cwd=made, **state)
    assert answer.code == 0 and answer.out.count("added: ") == len(SHARES), answer.err
    answer = command_line("history", "plot", "--out", "site", cwd=made, **state)
    assert answer.code == 0, answer.err
    return made


def test_sums_are_those_that_sha256sum_takes(folder: Path, tmp_path: Path, need_tool: NeedTool) -> None:
    with zipfile.ZipFile(folder / "0.zip") as archive:
        archive.extractall(tmp_path)
    done = subprocess.run(
        [need_tool("sha256sum"), "--check", "--strict", "--quiet", "SHA256SUMS"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_two_nights_compared_as_bundles(folder: Path, command_line: Callable[..., Any], tmp_path: Path) -> None:
    answer = command_line("compare", folder / "0.zip", folder / "5.zip", cwd=tmp_path)
    assert answer.code == 1, answer.err
    assert "2 slower" in answer.out and (tmp_path / "5-report" / "compare.html").is_file()


@pytest.mark.parametrize("width", [1280, 400])
def test_pages_load_nothing_and_do_not_overflow(width: int, folder: Path, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    noise: list[str] = []
    page.on("request", lambda request: noise.append(request.url))
    page.on("console", lambda message: noise.append(message.text))
    page.goto((folder / "site" / "index.html").as_uri())
    assert page.locator("h1").inner_text() == "2 changes in 4 series of 6 runs"
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.locator("tbody a").first.click()
    assert page.locator("h1").inner_text() == "pixel-3: 2 changes in 4 series of 6 runs"
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.locator("svg.trend:visible").count() == 2
    assert len(noise) == 2 and all(url.startswith("file:") for url in noise)
    page.close()
