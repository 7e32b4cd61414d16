"""compare.html in a browser: it loads nothing, runs nothing, and fits a phone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser

from benchmarks import synthetic

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def page_url(tmp_path_factory: pytest.TempPathFactory, command_line: Callable[..., Any]) -> str:
    folder = tmp_path_factory.mktemp("runs")
    for seed, name in enumerate(("base", "new")):
        synthetic.make_run(
            folder / name, layers=synthetic.LAYERS[:5], launches=4, rounds=2, seed=seed, run=f"run-{name}"
        )
    answer = command_line("compare", "base", "new", "--threshold", "2%", cwd=folder)
    assert answer.code in (0, 1, 4), answer.err
    return (folder / "new" / "compare.html").as_uri()


@pytest.mark.parametrize("width", [1280, 400])
def test_it_loads_nothing_and_does_not_overflow(width: int, page_url: str, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    noise: list[str] = []
    page.on("request", lambda request: noise.append(request.url))
    page.on("console", lambda message: noise.append(message.text))
    page.on("pageerror", lambda error: noise.append(str(error)))
    page.goto(page_url)
    assert noise == [page_url]
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.locator("h1").bounding_box()["y"] < 900  # type: ignore[index]  # the answer is on the first screen
    assert page.locator("svg.chart").count() == 4
    page.close()
