"""compare.html: its numbers are those of compare.csv, its texts are shown as they are, and it stays small."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from benchmarks import synthetic
from harness.compare.comparison import Comparison, compare_runs
from harness.report import compared
from harness.report.compared import places_of, render_compared

pytestmark = pytest.mark.unit

HOSTILE = '<img src=x onerror=alert(1)>"&'


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    """im2col 5 % slower on a phone, nothing on an emulated one with a hostile name."""
    folder = tmp_path_factory.mktemp("runs")
    for seed, (name, im2col) in enumerate((("base", 1.3), ("new", 1.365))):
        clusters = (("4-7", "Cortex-A75", 2803),)
        phones = [
            synthetic.Phone(
                name=phone, model=model, serial=f"SERIAL-{phone}", emulated=emulated, clusters=clusters, drift=0.0,
                truth=synthetic.Truth({"larger": times}, spread=0.0, launch_sd=0.004, noise_sd=0.004),
            )
            for phone, model, emulated, times in (("evil", HOSTILE, True, 1.3), ("pixel-3", "Pixel 3", False, im2col))
        ]  # fmt: skip
        synthetic.make_run(folder / name, phones, synthetic.LAYERS[1:4], 8, 3, seed=seed, run=f"run-{name}")
        manifest = json.loads((folder / name / "manifest.json").read_text())
        (folder / name / "manifest.json").write_text(json.dumps(manifest | {"run": name}))
    return compare_runs(folder / "base", folder / "new")


def test_numbers_are_those_of_the_table(found: Comparison) -> None:
    page = render_compared(found)
    rows = list(found.table.rows)
    marks = re.findall(r'<i data-source="compare.csv:(\d+):(\w+)"[^>]*>([0-9.\u202f]+)x?</i>', page)
    assert len(marks) >= 5 * len(rows)
    for row, column, shown in marks:
        scale = {"base_ns": 1e-3, "new_ns": 1e-3, "visible": 100}.get(column, 1)
        decimals = len(shown.partition(".")[2])
        number = float(shown.replace("\u202f", ""))
        assert abs(number - float(rows[int(row) - 1][column]) * scale) <= 0.500001 * 10**-decimals


def test_places_that_ask_for_action_come_first_and_say_what_is_slower(found: Comparison) -> None:
    places = places_of(found)
    assert [(place.device.name, place.cache) for place in places] == [
        ("pixel-3", "rotate"), ("pixel-3", "hot"), ("evil", "rotate"), ("evil", "hot"),
    ]  # fmt: skip
    assert re.fullmatch(
        r"Of 6 results 3 are slower, most of all im2col/neon_8x8 on conv\w+ with 0\.9\d\d \[0\.9\d\d, 0\.9\d\d\] of "
        r"the base's speed; 3 are unproven\.",
        places[0].sentence,
    )
    assert places[0].rows[0].decision == "slower"
    assert places[0].chart is not None and len(places[0].chart.sections[0].lines) == 6


def test_texts_of_a_device_are_shown_as_they_are(found: Comparison) -> None:
    page = render_compared(found)
    assert "<img" not in page and "&lt;img src=x" in page
    assert "Content-Security-Policy" in page and "default-src 'none'" in page
    assert not re.findall(r"(?:src|href)=\"(?!#)", page)
    assert "EMULATED" in page and "SERIAL-" not in page


def test_a_large_comparison_leaves_rows_to_the_table(found: Comparison, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compared, "_MOST_ROWS", 16)
    monkeypatch.setattr(compared, "_MOST_BARS", 2)
    place = places_of(found)[0]
    assert (len(place.rows), place.more) == (4, 2)
    assert place.chart is not None and len(place.chart.sections[0].lines) == 2
    assert "2 more rows stand in compare.csv" in render_compared(found)


def test_what_cannot_be_judged_has_its_reason(tmp_path: Path) -> None:
    for name in ("base", "new"):
        synthetic.make_run(
            tmp_path / name, [synthetic.Phone()], synthetic.LAYERS[1:2], 3, 2, ["hot"], run=f"run-{name}"
        )
    few = compare_runs(tmp_path / "base", tmp_path / "new")
    place = places_of(few)[0]
    assert place.chart is None
    assert place.sentence == "Of 2 results 2 are unjudged."
    assert "3 launches of BASE and 3 of NEW, 4 are needed" in render_compared(few)


def test_several_numbers_of_threads_are_told_apart(tmp_path: Path) -> None:
    phone = synthetic.Phone(clusters=(("4-7", "Cortex-A75", 2803),), threads=(1, 4))
    for seed, name in enumerate(("base", "new")):
        synthetic.make_run(tmp_path / name, [phone], synthetic.LAYERS[1:2], 4, 2, ["hot"], seed, f"run-{name}")
    found = compare_runs(tmp_path / "base", tmp_path / "new")
    (place,) = places_of(found)
    assert place.chart is not None
    named = sorted(
        f"conv2_3x3 {name}/neon_8x8{text}" for name in ("im2col", "indirect") for text in ("", " on 4 threads")
    )
    assert sorted(line.name for line in place.chart.sections[0].lines) == named
    assert '<td class="alg">im2col/neon_8x8 on 4 threads</td>' in render_compared(found)
