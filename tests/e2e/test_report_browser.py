"""The report in headless Chromium, without network: each number traced to its cell, hostile names harmless."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks import synthetic
from harness.report.writer import write_report

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog, Page

pytestmark = pytest.mark.e2e

HOSTILE = "<script>alert(1)</script>"
# What a cell of a CSV file is multiplied with for its unit.
SCALES = {"ns": 1, "µs": 1e-3, "ms": 1e-6, "B": 1, "KiB": 2**-10, "MiB": 2**-20, "GiB": 2**-30, "%": 100}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two devices, one of them emulated and with a hostile name, two clusters each."""
    phones = [
        synthetic.Phone(caps=True, faces=True),
        synthetic.Phone(name="evil", model=HOSTILE, emulated=True, truth=synthetic.Truth({"larger": 0.9}, 1.04)),
    ]
    path: Path = synthetic.make_run(tmp_path_factory.mktemp("report") / "run", phones, launches=6, rounds=2)
    write_report(path)
    return path


@pytest.fixture
def page(browser: Browser, run: Path) -> Iterator[Page]:
    """The report, opened from its file; any request but that file, any script message or dialog is a failure."""
    opened = browser.new_page(viewport={"width": 1400, "height": 1000})
    requests: list[str] = []
    noise: list[str] = []
    opened.on("request", lambda request: requests.append(request.url))

    def dismissed(dialog: Dialog) -> None:
        noise.append(dialog.message)
        dialog.dismiss()

    opened.on("dialog", dismissed)
    opened.on("console", lambda message: noise.append(message.text))
    opened.on("pageerror", lambda error: noise.append(str(error)))
    opened.context.set_offline(True)
    url = (run / "report.html").as_uri()
    opened.goto(url)
    yield opened
    opened.close()
    assert requests == [url]
    assert noise == []


def tables(run: Path) -> dict[str, list[dict[str, str]]]:
    found = {}
    for name in ("results.csv", "categories.csv", "faces.csv", "baseline.csv"):
        with (run / name).open(newline="") as file:
            found[name] = list(csv.DictReader(file))
    return found


def marked(page: Page) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = page.evaluate(
        """() => [...document.querySelectorAll('[data-source]')].map(e => ({
            source: e.dataset.source, svg: e instanceof SVGElement, text: e.textContent,
            cell: e.closest('td')?.textContent || '', label: e.getAttribute('aria-label')}))"""
    )
    return found


def test_each_number_traces_to_its_cell(page: Page, run: Path) -> None:
    files = tables(run)
    marks = marked(page)
    assert len(marks) > 1000
    for mark in marks:
        file, row, column = mark["source"].split(":")
        value = float(files[file][int(row) - 1][column])
        if mark["svg"] and not mark["text"]:
            assert mark["label"]
            continue
        unit = re.search(r" %", mark["text"]) or re.search(
            r"\u00a0(\w+)|( %)", re.sub(r" sees [\d.]+ %", "", mark["cell"])
        )
        scale = SCALES[unit[0].strip()] if unit else 1
        shown = re.sub(r"[\u202f %]", "", mark["text"])
        assert re.fullmatch(r"[0-9]+(\.[0-9]+)?", shown), mark
        decimals = len(shown.partition(".")[2])
        assert abs(float(shown) - value * scale) <= 0.500001 * 10**-decimals, mark


def test_every_time_ratio_and_mean_is_shown(page: Page, run: Path) -> None:
    shown = {mark["source"] for mark in marked(page)}
    files = tables(run)
    for number, row in enumerate(files["results.csv"], start=1):
        for column in (
            "median_ns",
            "low_ns",
            "gflops",
            "ratio_im2col",
            "ratio_direct_high",
            "copy_ns",
            "pointer_bytes",
        ):
            if row[column]:
                assert f"results.csv:{number}:{column}" in shown
    for number, row in enumerate(files["categories.csv"], start=1):
        if (row["algorithm"], row["other"]) in {("indirect", "im2col"), ("auto", "published/indirect")}:
            assert f"categories.csv:{number}:ratio" in shown
    answers = [n for n, row in enumerate(files["baseline.csv"], start=1) if row["cache"] == "rotate"]
    assert len(answers) == 2
    assert {f"baseline.csv:{n}:{c}" for n in answers for c in ("ratio", "low", "layers", "worst_ratio_high")} <= shown
    gains = [n for n, row in enumerate(files["faces.csv"], start=1)
             if row["variant"].startswith("auto/") and row["other"].startswith("indirect/")]  # fmt: skip
    assert len(gains) == 40
    assert {f"faces.csv:{n}:{column}" for n in gains for column in ("ratio", "low", "high")} <= shown


def test_the_answer_holds_both_ratios_of_each_category(page: Page, run: Path) -> None:
    rows = tables(run)["categories.csv"]
    cards = page.locator(".answer")
    assert cards.count() == 4
    for number in range(4):
        sources = [
            [rows[int(mark.split(":")[1]) - 1] for mark in clause if mark.endswith(":ratio")]
            for clause in cards.nth(number).evaluate(
                """card => [...card.querySelectorAll('.clause')].map(clause =>
                    [...clause.querySelectorAll('[data-source]')].map(mark => mark.dataset.source))"""
            )
        ]
        assert [row[0]["category"] for row in sources] == ["larger", "1x1s2", "1x1s1"]
        both = ["published", "best"] if number < 2 else ["published"]  # the second device measured one face
        for clause in sources:
            assert [row["face"] for row in clause] == both
            assert len({(row["algorithm"], row["other"], row["cache"], row["cluster"]) for row in clause}) == 1


def test_quotients_trace_to_two_cells(page: Page, run: Path) -> None:
    derived = page.evaluate(
        "() => [...document.querySelectorAll('[data-derived]')].map(e => [e.dataset.derived, e.textContent])"
    )
    assert derived
    rows = tables(run)["results.csv"]
    for places, text in derived:
        above, below = (rows[int(row) - 1][column] for _, row, column in (p.split(":") for p in places.split("/")))
        assert float(text.strip().removesuffix(" %")) == pytest.approx(100 * int(above) / int(below), abs=0.005)


def test_charts_stand_where_their_values_say(page: Page) -> None:
    """Larger ratios lie further right, in their winner's colour; grouped layers have an axis of their own."""
    points = page.evaluate(
        """() => [...document.querySelectorAll('figure.ratios path[data-source]')].map(e => ({
            chart: [...document.querySelectorAll('figure.ratios')].indexOf(e.closest('figure')),
            grouped: e.getAttribute('aria-label').startsWith('depthwise'),
            value: Number(e.dataset.value), fill: e.getAttribute('fill'),
            x: e.getBoundingClientRect().x + e.getBoundingClientRect().width / 2}))"""
    )
    assert {point["chart"] for point in points} == {0, 1, 2, 3}
    for chart in range(4):
        ordered = sorted((p for p in points if p["chart"] == chart and not p["grouped"]), key=lambda p: p["value"])
        for left, right in pairwise(ordered):
            assert left["x"] <= right["x"] + 0.6
        assert all(p["fill"] != "#0072B2" for p in ordered if p["value"] < 1)
        assert all(p["fill"] in {"#0072B2", "#767676"} for p in ordered if p["value"] > 1)


def test_hostile_name_is_text(page: Page) -> None:
    assert HOSTILE in page.locator("h1").inner_text()
    assert page.locator("script").count() == 1  # ours, which the policy of the page names by its hash
    assert page.evaluate("document.scripts[0].text.startsWith('// What the page does')")
    assert page.locator("header .banner").inner_text().startswith("EMULATED")


@pytest.mark.parametrize("width", [1400, 800, 380])
def test_page_never_scrolls_sideways(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_heat_table_is_used_with_keys_alone(page: Page, run: Path) -> None:
    """Sorted, filtered, walked through; a cell tells its interval, its pairs and the command that repeats it."""
    box, rows = page.locator(".heatbox").first, tables(run)["results.csv"]
    assert box.locator("td[tabindex='0']").count() == 1
    box.locator("td[tabindex='0']").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    cell = box.locator("td[aria-selected]")
    line, detail = cell.locator("xpath=.."), box.locator(".cell")
    assert (cell.evaluate("cell => cell.cellIndex"), line.evaluate("line => line.sectionRowIndex")) == (3, 1)
    detail.locator("svg.pairs").wait_for()
    assert detail.locator("svg.pairs").get_attribute("aria-label") == "12 pairs in time order over Clock, Probe"
    assert detail.locator("circle.pair, circle.tainted").count() == 12
    row = rows[int(cell.get_attribute("data-k").partition("-")[0]) - 1]  # type: ignore[union-attr]
    assert detail.locator("code").inner_text().startswith(f"harness run quick --device {row['device']} --clusters ")
    assert f"--layers {row['layer']} " in detail.locator("code").inner_text()
    assert f"{float(row['ratio_im2col']):.3f}x [" in detail.inner_text()
    page.keyboard.press("Escape")
    assert not detail.is_visible()
    names = [each["layer"] for each in rows if each["device"] == "pixel-3" and each["variant"] == "indirect/neon_8x8"]
    order = "lines => lines.filter(line => !line.hidden).map(line => line.dataset.layer)"
    lines = box.locator("tbody tr")
    before = lines.evaluate_all(order)
    assert set(before) == set(names)
    head = box.locator("thead th[data-column]").first
    head.locator("button").press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    shown = [float(text) for text in box.locator("tbody tr td:nth-child(3)").all_inner_texts()]
    assert shown == sorted(shown, reverse=True)
    head.locator("button").press("Enter")
    head.locator("button").press("Enter")
    assert lines.evaluate_all(order) == before
    box.locator("input[type=search]").fill("PROJ")
    assert lines.evaluate_all(order) == [name for name in before if "proj" in name]
    assert box.locator("output").inner_text() == "2 of 10 layers"


def test_the_answer_is_on_the_first_screen_and_can_be_copied(browser: Browser, run: Path) -> None:
    for width in (1280, 400):
        page = browser.new_page(viewport={"width": width, "height": 800})
        page.goto((run / "report.html").as_uri())
        first = page.locator(".answer .clause b").first
        place = first.bounding_box()
        assert place is not None and place["y"] + place["height"] < 800
        page.close()
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto((run / "report.html").as_uri())
    page.locator(".copy summary").click()
    page.locator(".copy button").click()
    page.locator(".copy button", has_text="Copied").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator("#answer-md").inner_text() and "## Answer" in copied
    context.close()


@pytest.mark.parametrize("look", ["light", "dark", "print"])
def test_text_can_be_read_on_its_ground(browser: Browser, run: Path, look: str) -> None:
    """4.5:1 at the least (WCAG AA), in every cell of the heat tables and all words of the answer."""
    page = browser.new_page(color_scheme="dark" if look == "dark" else "light")
    page.emulate_media(media="print" if look == "print" else "screen")
    page.goto((run / "report.html").as_uri())
    low = page.evaluate(
        """() => {
            const light = color => {
                const [r, g, b] = color.match(/[0-9.]+/g).map(n => n / 255)
                    .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
                return 0.2126 * r + 0.7152 * g + 0.0722 * b;
            };
            const ground = element => {
                for (let at = element; at; at = at.parentElement) {
                    const color = getComputedStyle(at).backgroundColor;
                    if (!/^rgba.*, 0\\)$/.test(color)) return color;
                }
                return "rgb(255, 255, 255)";
            };
            const low = {};
            for (const element of document.querySelectorAll(".heat td, .heat th, .answer *, .banner *, .key *")) {
                const [a, b] = [light(getComputedStyle(element).color), light(ground(element))];
                const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
                if (contrast < 4.5) low[`${element.tagName}.${element.className}`] = contrast;
            }
            return low;
        }"""
    )
    page.close()
    assert low == {}
