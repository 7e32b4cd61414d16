"""What a report may take: how `make bench-report` judges its figures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.report import Figures, layers, make, measured, shortfalls, twice

pytestmark = pytest.mark.unit

GOOD = Figures(samples=1000, seconds=4.0, parse_s=1.0, memory=1 << 29, html=3_000_000, scripting_s=None)


def test_what_keeps_to_its_limits_does_not_fall_short() -> None:
    assert shortfalls([GOOD, replace(GOOD, samples=2000, seconds=5.9)]) == []


@pytest.mark.parametrize(
    ("worse", "said"),
    [
        (replace(GOOD, seconds=6.1), "1000 samples: 6.10 seconds, at most 6.00"),
        (replace(GOOD, memory=1 << 31), "MB of memory"),
        (replace(GOOD, html=5_000_001), "MB of HTML"),
        (replace(GOOD, scripting_s=1.5), "1.50 seconds of scripting"),
        (replace(GOOD, paint_s=1.5), "1.50 seconds to the first paint"),
    ],
)
def test_each_limit_is_judged(worse: Figures, said: str) -> None:
    (text,) = shortfalls([worse])
    assert said in text


def test_growth_is_judged_by_what_twice_the_samples_take() -> None:
    more = replace(GOOD, samples=4000, seconds=20.0, parse_s=8.0)
    assert twice(GOOD, more) == pytest.approx(5**0.5)
    assert shortfalls([GOOD, more]) == ["1000 to 4000 samples: twice take 2.24 times as long"]


def test_the_layers_are_distinct() -> None:
    for count in (36, 100):
        made = layers(count)
        shapes = {tuple((k, str(v)) for k, v in layer.items() if k != "name") for layer in made}
        assert len(made) == len(shapes) == len({layer["name"] for layer in made}) == count


def test_a_report_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.report.PHONES", 1)
    monkeypatch.setattr("benchmarks.report.ROUNDS", 1)
    for name in ("scripting", "painting"):
        monkeypatch.setattr(f"benchmarks.report.{name}", lambda html: 0.0)
    run = tmp_path / "run"
    samples = make(run, 1, faces=False)
    assert samples == 3 * 2 * (2 * 36 + 15)
    found = measured(run, samples)
    assert found.html == (run / "report.html").stat().st_size
    assert found.seconds > found.parse_s > 0
    assert found.memory > 10_000_000
