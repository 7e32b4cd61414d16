"""Series of a sustained run: a phone whose clock falls after a minute, in records."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks import synthetic
from harness.model.policy import Policy
from harness.model.sustained import Sustained
from harness.report.writer import write_report
from harness.results.results import make_results
from harness.results.series import SERIES_COLUMNS

pytestmark = pytest.mark.unit

LAYER = synthetic.LAYERS[1]
FLOP = 2 * 56**2 * 9 * 64 * 64
STEP_S = 0.5  # from sample to sample: half of it is a pause


def mhz_at(seconds: float) -> float:
    return 2800.0 if seconds < 60 else 1400.0


def samples(way: synthetic.Way, launch: int, seconds: float) -> Iterator[dict[str, Any]]:
    """One sample every half second, each a quarter long; at 2800 MHz 40 GFLOP/s."""
    for number in range(int(seconds / STEP_S)):
        at, clock = number * STEP_S, mhz_at(number * STEP_S)
        ns = FLOP / (40 * clock / 2800)
        t_ns = int((launch * 1000 + at) * 1e9)
        calls = round(0.25e9 / ns)
        yield {
            **{"type": "sample", "launch": launch, "round": number, "position": 0, "layer": LAYER["name"]},
            **{**way.fields("hot"), "calls": calls, "ns": ns, "settle_ns": 1e6, "settle_capped": False},
            **{"mhz_before": clock, "mhz_after": clock, "cpu_before": 4, "cpu_after": 4, "nivcsw": 0, "faults": 0},
            **{"t_ns": t_ns, "span_ns": calls * ns, "window_ns": calls * ns, "pid": 7},
        }
        power = {"status": "Discharging", "voltage_now": "4000000", "current_now": str(-1000000 - number % 2)}
        yield {
            **{"type": "telemetry", "launch": launch, "t_ns": t_ns + 260_000_000, "power": power},
            **{"freq_khz": {"policy4/scaling_cur_freq": clock * 1000, "policy4/scaling_max_freq": clock * 1000}},
            "temp_c": {"zone:cpu-1-0": 30 + min(at, 60) / 2},
        }


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """One layer, im2col and indirect for three minutes each, direct skipped."""
    path = synthetic.make_run(tmp_path / "run", layers=[LAYER], launches=1, rounds=1, caches=["hot"])
    manifest = json.loads((path / "manifest.json").read_text())
    manifest["suite"]["mode"] = "sustained"
    manifest["policy"]["sustained"] = {"seconds": 180.0, "window_s": 10.0}
    (path / "manifest.json").write_text(json.dumps(manifest))
    file = path / "devices" / "pixel-3" / "records.jsonl"
    header, skip = (json.loads(line) for line in file.read_text().splitlines()[:2])
    header["cluster"] = "4-7"
    write(file, [header, skip, *series(0, "indirect", 180), *series(1, "im2col", 180)])
    plan = [{"device": "pixel-3", "cluster": "4-7", "launch": 0, "layer": LAYER["name"], "seed": 1,
             "variants": ["im2col", "indirect", "direct"]}]  # fmt: skip
    (path / "plan.jsonl").write_text("".join(json.dumps(line) + "\n" for line in plan))
    return path


def series(launch: int, algorithm: str, seconds: float, *, ends: bool = True) -> list[dict[str, Any]]:
    gate = {"type": "gate", "launch": launch, "status": "passed", "source": "zone:cpu-1-0", "from": 30.0, "to": 30.0}
    job = {"type": "job", "launch": launch, "layer": LAYER["name"], "rounds": 360, "rounds_planned": 3600}
    job |= {"complete": True, "elapsed_s": seconds}
    way = synthetic.Way(algorithm)
    return [{**gate, "waited_s": 5.0}, *samples(way, launch, seconds), *([job] if ends else [])]


def write(file: Path, stream: list[dict[str, Any]], *, more: bool = False, ends: bool = True) -> None:
    stream = [*stream, *([{"type": "end", "records": len(stream) + 1, "reason": "done"}] if ends else [])]
    lines = "".join(json.dumps({**record, "seq": number}) + "\n" for number, record in enumerate(stream))
    file.write_text((file.read_text() if more else "") + lines)


def table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.open()))


def test_the_first_minute_against_the_last(run: Path) -> None:
    first, second = make_results(run).series
    assert {first.key.what.algorithm, second.key.what.algorithm} == {"im2col", "indirect"}
    assert first.is_whole and first.samples == 360
    assert first.seconds == pytest.approx(179.75, abs=0.1)
    assert first.duty == pytest.approx(0.5, abs=0.01)
    assert first.first.gflops == pytest.approx(40, rel=1e-3)
    assert first.last.gflops == pytest.approx(20, rel=1e-3)
    assert first.kept == pytest.approx(0.5, rel=1e-3)
    assert (first.first.mhz, first.last.mhz, first.last.cap_mhz) == (2800, 1400, 1400)
    assert first.first.celsius == pytest.approx(45, abs=0.5) and first.last.celsius == 60
    assert first.energy.watts == pytest.approx(4, rel=0.01)
    assert len(first.windows) == 17 and first.windows[-1].to_s == first.seconds  # no window of nothing but a rest
    assert [round(each.gflops or 0) for each in first.windows[4:8]] == [40, 40, 20, 20]


def test_no_number_of_a_series_stands_among_burst_results(run: Path) -> None:
    write_report(run)
    rows = table(run / "results.csv")
    assert {(row["algorithm"], row["status"]) for row in rows} == {("direct", "skip")}
    assert {row["median_ns"] + row["gflops"] + row["ratio_im2col"] for row in rows} == {""}
    assert table(run / "categories.csv") == []
    assert tuple(table(run / "sustained.csv")[0]) == SERIES_COLUMNS
    assert [row["kept"][:4] for row in table(run / "sustained.csv")] == ["0.5", "0.5"]
    assert len(table(run / "windows.csv")) == 34


def test_the_report_tells_it(run: Path) -> None:
    summary = write_report(run)
    (sentence,) = summary.sentences
    assert "2 series of 180 s kept in their last 60 s 50 % of the throughput of their first 60 s" in sentence
    assert summary.waiting == ("Pixel 3: 2 gates waited 10 s, 3 % of the time (2 passed)",)
    html = (run / "report.html").read_text()
    assert 'data-source="sustained.csv:2:kept">0.500' in html
    assert 'data-source="windows.csv:34:gflops"' in html
    assert "Samples of a sustained run are not judged" in html
    for name in ("heat", "devices", "paper", "networks"):  # which have nothing to show
        assert f'id="{name}"' not in html and f'href="#{name}"' not in html
    assert not [text for text in summary.weaknesses if "the time budget cut" in text or "the clock moved" in text]
    assert "kept" in (run / "summary.md").read_text()


def test_whether_a_series_is_whole_is_told_by_what_it_was_measured_under(run: Path) -> None:
    """Another policy judges samples; the seconds that it would measure are not those that were asked for."""
    found = make_results(run, Policy(name="long", sustained=Sustained(seconds=1800.0, window_s=60.0))).series
    assert [each.columns["status"] for each in found] == ["ok", "ok"]
    assert [len(each.windows) for each in found] == [17, 17]  # of 10 s; the last one takes what is left


def test_of_a_series_that_was_cut_the_one_counts_that_came_to_its_end(run: Path) -> None:
    file = run / "devices" / "pixel-3" / "records.jsonl"
    header = {**json.loads(file.read_text().splitlines()[0]), "attempt": 1}
    write(file, [header, *series(0, "indirect", 40, ends=False)], ends=False)
    (cut,) = make_results(run).series
    assert not cut.is_whole and cut.columns["status"] == "cut"
    later = series(0, "indirect", 180)
    for record in later:
        if record["type"] == "sample":
            record["round"] += 80
    write(file, [{**header, "attempt": 2}, *later], more=True)
    (whole,) = make_results(run).series
    assert whole.is_whole and whole.seconds > 170


def test_a_burst_run_has_no_series(tmp_path: Path) -> None:
    path = synthetic.make_run(tmp_path / "run", layers=[LAYER], launches=1, rounds=1, caches=["hot"])
    write_report(path)
    assert make_results(path).series == [] and not (path / "sustained.csv").exists()
