"""The written report: sentences, marks, escaping, cut run directories."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.export.markdown import escaped
from harness.report.charts import ratio_ticks
from harness.report.marks import time_unit
from harness.report.numbers import bytes_text, ratio_decimals, rounded
from harness.report.writer import write_report
from harness.results.numbers import number_text

pytestmark = pytest.mark.unit


def test_opposite_winners_give_opposite_sentences_colours_and_charts(synthetic: ModuleType, tmp_path: Path) -> None:
    ratios = {"larger": 1.3, "1x1s2": 1.2, "1x1s1": 1.1}
    found = []
    for name, truth in (
        ("for", synthetic.Truth(ratios, 1.08)),
        ("against", synthetic.Truth({key: 1 / value for key, value in ratios.items()}, 1 / 1.08)),
    ):
        phone = synthetic.Phone(clusters=(("4-7", "Cortex-A75", 2803),), truth=truth)
        summary = write_report(synthetic.make_run(tmp_path / name, [phone], launches=6))
        html = summary.report.read_text()
        pattern = r'<path aria-label="([^"]*): indirect is ([0-9.]+)x[^"]*" data-source="([^"]+)"[^>]*fill="([^"]+)"'
        marks = re.findall(pattern, html)
        found.append((summary, html, {(layer, source): (float(value), fill) for layer, value, source, fill in marks}))
    (good, good_html, good_marks), (bad, bad_html, bad_marks) = found
    assert [(h.category, h.verdict, h.winner) for h in good.headlines] == [
        ("larger", "faster", "indirect"), ("1x1s2", "faster", "indirect"), ("1x1s1", "faster", "indirect"),
    ]  # fmt: skip
    assert [(h.category, h.verdict, h.winner) for h in bad.headlines] == [
        ("larger", "slower", "im2col"), ("1x1s2", "slower", "im2col"), ("1x1s1", "faster", "direct"),
    ]  # fmt: skip
    assert "indirect wins on 1x1 stride 1 by 1.0" in good.sentences[0]
    assert "direct wins on 1x1 stride 1 by 1.0" in bad.sentences[0]
    assert re.search(
        r"indirect is 1\.\d\dx \[1\.\d\d, 1\.\d\d\] of im2col's speed on larger kernels \(faster", good.sentences[0]
    )
    assert re.search(
        r"indirect is 0\.\d\dx \[0\.\d\d, 0\.\d\d\] of im2col's speed on larger kernels \(slower", bad.sentences[0]
    )
    assert re.findall(r'class="clause" data-winner="(\w+)"', good_html) == ["indirect"] * 3
    assert re.findall(r'class="clause" data-winner="(\w+)"', bad_html) == ["im2col", "im2col", "direct"]
    paired = [key for key in good_marks if key in bad_marks and "depthwise" not in key[0]]
    assert len(paired) >= 10
    means = [key for key in paired if key[0] == "geometric mean"]
    assert means
    for key in means:
        assert good_marks[key][0] > 1 > bad_marks[key][0]
        assert good_marks[key][1] == "#0072B2" != bad_marks[key][1]


def test_no_clear_difference(synthetic: ModuleType, tmp_path: Path) -> None:
    truth = synthetic.Truth({"larger": 1.0, "1x1s2": 1.0, "1x1s1": 1.0}, 1.0, spread=0.0, launch_sd=0.08)
    phone = synthetic.Phone(clusters=(("4-7", "", 2803),), truth=truth)
    summary = write_report(synthetic.make_run(tmp_path / "run", [phone], launches=4, seed=5))
    assert {h.verdict for h in summary.headlines} == {"unclear"}
    assert summary.sentences[0].count("no clear difference") == 3
    assert "wins" not in summary.sentences[0]


def test_emulated_is_marked_wherever_it_appears(synthetic: ModuleType, tmp_path: Path) -> None:
    phones = [
        synthetic.Phone(emulated=True, name="virtual", model="Virtual 3", faces=True),
        synthetic.Phone(faces=True),
    ]
    run = synthetic.make_run(tmp_path / "run", phones, launches=4, rounds=1)
    summary = write_report(run)
    html = summary.report.read_text()
    assert "<title>EMULATED" in html
    header = html[html.index("<header") : html.index("</header>")]
    assert "EMULATED" in header
    assert "Virtual 3" in header
    for sentence in summary.sentences:
        assert sentence.startswith("[EMULATED]") == ("Virtual" in sentence)
    for weakness in summary.weaknesses:
        assert weakness.startswith("[EMULATED]") == ("Virtual" in weakness)
    for tag in ("h1", "h2", "h3", "h4", "caption", "figcaption"):
        for text in re.findall(rf"<{tag}[ >].*?</{tag}>", html, re.S):
            if "Virtual 3" in text:
                assert "EMULATED" in text, text
    section = html[html.index('id="device-1"') : html.index('id="device-2"')]
    assert all("EMULATED" in text for text in re.findall(r"<(?:caption|figcaption)>.*?</", section, re.S))
    for name in ("results", "categories", "faces", "baseline"):
        header, *rows = (run / f"{name}.csv").read_text().splitlines()
        ends = {
            "results": (",conditions,to_nchw_ns,to_nhwc_ns,error_over_bound,max_error", ",0,,,,,", ",1,EMULATED,,,,"),
            "faces": (",emulated", ",0", ",1"),
        }
        last, real, emulated = ends.get(name, (",emulated,threads", ",0,1", ",1,1"))
        assert header.endswith(last)
        assert all(row.endswith((real, emulated)) for row in rows)
        assert all(row.endswith(emulated) == row.startswith("virtual,") for row in rows)
    markdown = (run / "summary.md").read_text()
    assert "EMULATED: Virtual 3" in markdown
    assert all("EMULATED" in line for line in markdown.splitlines() if line.startswith("| virtual "))
    assert not any("EMULATED" in line for line in markdown.splitlines() if line.startswith("| pixel"))
    weak = [line for line in markdown.partition("## What weakens")[2].splitlines() if line.startswith("- **")]
    assert weak and all(line.startswith("- **[EMULATED] ") == ("Virtual 3" in line) for line in weak)


def test_an_emulated_namesake_is_marked_alone(synthetic: ModuleType, tmp_path: Path) -> None:
    phones = [synthetic.Phone(emulated=True, name="pixel-3-a"), synthetic.Phone(name="pixel-3-b", caps=True)]
    run = synthetic.make_run(tmp_path / "run", phones, launches=4, rounds=1)
    html = write_report(run).report.read_text()
    places = re.findall(r"<h4>(.*?)</h4>", html)
    clusters = [place for place in places if "CPUs 4-7" in place]
    assert {place.partition(")")[0] for place in clusters} == {"Pixel 3 (pixel-3-a", "Pixel 3 (pixel-3-b"}
    assert sorted("EMULATED" in place for place in clusters) == [False, True]


def test_a_category_measured_in_hot_alone_is_in_the_answer(synthetic: ModuleType, tmp_path: Path) -> None:
    run = synthetic.make_run(tmp_path / "run", [synthetic.Phone(clusters=(("4-7", "Cortex-A75", 2803),), faces=True)],
                             launches=4, rounds=2)  # fmt: skip
    file = run / "devices" / "pixel-3" / "records.jsonl"
    records = [json.loads(line) for line in file.read_text().splitlines()]
    kept = [r for r in records if r.get("cache") != "rotate" or "1x1" not in r["layer"] or "s2" in r["layer"]]
    assert len(kept) < len(records)
    file.write_text("".join(json.dumps(record) + "\n" for record in kept))
    summary = write_report(run)
    assert {h.category: h.cache for h in summary.headlines} == {"larger": "rotate", "1x1s2": "rotate", "1x1s1": "hot"}
    (sentence,) = summary.sentences
    *others, point = sentence.partition(". [")[0].split("; as published, ")
    assert "1x1 stride 1" in point and "layers; in hot); each at its best, " in point
    assert not any("in hot" in other for other in others)
    assert "[cold weights (rotate), but warm caches (hot) for 1x1 stride 1, the algorithms as published" in sentence
    html = summary.report.read_text()
    means = (run / "categories.csv").read_text().splitlines()
    answer = html.split('id="devices"', 1)[0]
    shown = [means[int(n)] for n in dict.fromkeys(re.findall(r'"categories.csv:(\d+):ratio"', answer))]
    assert [row.split(",")[2:4] for row in shown] == [[cache, category] for cache, category in
            (("rotate", "larger"), ("rotate", "1x1s2"), ("hot", "1x1s1")) for _ in range(2)]  # fmt: skip
    assert "indirect over direct, mean" in html and html.count("(in hot)") == 1  # among the paper's claims
    assert "In hot the published" not in answer  # it is of layers that copy, and these are all of rotate


def test_hostile_names_do_no_harm(synthetic: ModuleType, tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script>"
    layers = [synthetic.layer(f'{hostile}" onload="x{n}', 28, 3, 16, 16) for n in range(2)]
    phone = synthetic.Phone(model=hostile, soc="$(reboot) `id` {{ 7 * 7 }}", clusters=(("4-7", hostile, 2000),))
    run = synthetic.make_run(tmp_path / "run", [phone], layers, launches=4)
    html = write_report(run).report.read_text()
    assert html.count("<script") == 1 and "<script>// What the page does" in html
    assert "&lt;script&gt;alert(1)" in html
    assert "<svg" in html
    assert "onload=&#34;x0" in html  # as text
    attributes: list[str] = []

    class Attributes(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            attributes.extend(name for name, _ in attrs)

    Attributes().feed(html)
    assert "aria-label" in attributes
    assert not [name for name in attributes if name.startswith("on")]
    assert "{{ 7 * 7 }}" in html
    markdown = (run / "summary.md").read_text()
    assert "<" not in markdown
    assert "&lt;script&gt;" in markdown
    assert escaped("[x](http://y) *a*\n- b|c") == r"[x]\(http://y) \*a\* - b\|c"


def test_serial_numbers_stay_out(synthetic: ModuleType, tmp_path: Path) -> None:
    run = synthetic.make_run(tmp_path / "run", [synthetic.Phone(serial="SECRET0123")], launches=4, rounds=1)
    events = run / "devices" / "pixel-3" / "events.jsonl"
    events.write_text(json.dumps({"event": "finished", "messages": ["SECRET0123: connection lost"]}) + "\n")
    summary = write_report(run)
    assert any("connection lost" in weakness for weakness in summary.weaknesses)
    for name in ("report.html", "summary.md", "results.csv", "categories.csv"):
        assert "SECRET0123" not in (run / name).read_text()
    assert "SECRET0123" not in repr(summary)


@pytest.mark.parametrize(("said", "shown"), [(True, False), (False, True), (None, False), ("no", False)])
def test_only_a_serial_that_device_json_calls_no_secret_is_shown(
    synthetic: ModuleType, tmp_path: Path, said: object, shown: bool
) -> None:
    run = synthetic.make_run(tmp_path / "run", [synthetic.Phone(serial="SERIAL0123")], launches=4, rounds=1)
    file = run / "devices" / "pixel-3" / "device.json"
    device = json.loads(file.read_text())
    file.write_text(json.dumps({**device, "serial_is_secret": said, "notes": ["SERIAL0123 has one cluster"]}))
    assert ("SERIAL0123 has one cluster" in write_report(run).report.read_text()) == shown


def test_nothing_is_loaded_from_anywhere(synthetic: ModuleType, tmp_path: Path) -> None:
    html = write_report(synthetic.make_run(tmp_path / "run", launches=4, rounds=1)).report.read_text()
    assert not re.findall(r"<(?:link|img|iframe|object|embed)\b", html)
    assert not re.findall(r"url\(|@import|(?:src|href)=\"(?!#|data:application/gzip;base64,)", html)
    (script,) = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    named = base64.b64encode(sha256(script.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{named}';" in html
    assert not re.findall(r"\beval\b|\bFunction\(|innerHTML|https?:(?!//www.w3.org/2000/svg)", script)


def test_empty_run_directory(tmp_path: Path) -> None:
    summary = write_report(tmp_path)
    assert summary.sentences == ()
    assert "Nothing was measured" in summary.report.read_text()
    assert "Nothing was measured" in (tmp_path / "summary.md").read_text()
    assert len((tmp_path / "results.csv").read_text().splitlines()) == 1


def test_devices_without_records(synthetic: ModuleType, tmp_path: Path) -> None:
    run = synthetic.make_run(tmp_path / "run", launches=4, rounds=1)
    (run / "devices" / "pixel-3" / "records.jsonl").unlink()
    summary = write_report(run)
    assert all("nothing was measured" in sentence for sentence in summary.sentences)
    assert set(summary.statuses.items()) >= {("ok", 0), ("missing", 120)}


@pytest.fixture(scope="module")
def tiny(synthetic: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    phone = synthetic.Phone(clusters=(("4-7", "Cortex-A75", 2803),))
    path = tmp_path_factory.mktemp("tiny") / "run"
    run = synthetic.make_run(path, [phone], synthetic.LAYERS[5:7], launches=2, rounds=1, caches=["hot"])
    return run, (run / "devices" / "pixel-3" / "records.jsonl").read_bytes()


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1))
def test_records_cut_anywhere(tiny: tuple[Path, bytes], share: float) -> None:
    run, data = tiny
    cut = data[: int(len(data) * share)]
    (run / "devices" / "pixel-3" / "records.jsonl").write_bytes(cut)
    summary = write_report(run)
    said = any("the last line of records.jsonl was cut" in weakness for weakness in summary.weaknesses)
    assert said == (bool(cut) and not cut.endswith(b"\n"))
    assert b"</html>" in summary.report.read_bytes()


def test_damaged_lines_are_left_out_and_said(synthetic: ModuleType, tmp_path: Path) -> None:
    run = synthetic.make_run(tmp_path / "run", launches=4, rounds=1)
    path = run / "devices" / "pixel-3" / "records.jsonl"
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join([*lines[:3], b'{"type":"samp', b"\xff\xfe", *lines[3:]]))
    (run / "manifest.json").write_text("{")
    summary = write_report(run)
    text = "\n".join(summary.weaknesses)
    assert "line 4 of records.jsonl is no record" in text
    assert "line 5 of records.jsonl is no record" in text
    assert "manifest.json is damaged" in text


def test_times_that_cannot_be_are_left_out_and_said(synthetic: ModuleType, tmp_path: Path) -> None:
    run = synthetic.make_run(tmp_path / "run", launches=4, rounds=2)
    path = run / "devices" / "pixel-3" / "records.jsonl"
    lines = path.read_bytes().split(b"\n")
    places = [n for n, line in enumerate(lines) if b'"type": "sample"' in line or b'"type":"sample"' in line]
    for place, ns in zip(places, (1e308, -20.0, 1e18, 1e-3), strict=False):  # the last two are the bounds
        lines[place] = rewritten(lines[place], ns=ns)
    path.write_bytes(b"\n".join(lines))
    summary = write_report(run)
    said = [text for text in summary.weaknesses if "a number that cannot be (ns=" in text]
    assert len(said) == 2
    assert b"</html>" in summary.report.read_bytes()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda lines: [*lines[:7], *lines[8:]], "1 line(s) of its records are missing (seq 7)"),
        (
            lambda lines: [lines[0], *lines[4:9], *lines[12:]],
            "6 line(s) of its records are missing (seq 1 to 3, 9 to 11)",
        ),
        (lambda lines: [*lines[:-4], lines[-1]], "3 line(s) of its records are missing"),
        (lambda lines: [*lines[:-2], rewritten(lines[-1], seq=len(lines) - 2)], "1 line(s) of its records are missing"),
        (lambda lines: [*lines[:-1], rewritten(lines[-1], records=10**15)], "to 999999999999999)"),
        (
            lambda lines: [*lines[:-1], rewritten(lines[-1], records=len(lines) - 2)],
            "2 line(s) of its records are too many",
        ),
        (
            lambda lines: [*lines[:6], rewritten(lines[6], seq=5), *lines[7:]],
            "1 line(s) of its records are too many or there twice",
        ),
    ],
)
def test_missing_lines_are_said(tiny: tuple[Path, bytes], change: Callable[..., list[bytes]], said: str) -> None:
    run, data = tiny
    (run / "devices" / "pixel-3" / "records.jsonl").write_bytes(b"\n".join(change(data.splitlines())) + b"\n")
    text = "\n".join(write_report(run).weaknesses)
    assert "CPUs 4-7: attempt 1: " in text
    assert said in text


def test_whole_runs_of_records_miss_no_line(tiny: tuple[Path, bytes]) -> None:
    run, data = tiny
    file = run / "devices" / "pixel-3" / "records.jsonl"
    for whole in (data, b"".join(data.splitlines(keepends=True)[:-3])):
        file.write_bytes(whole)
        assert "of its records" not in "\n".join(write_report(run).weaknesses)


def rewritten(line: bytes, **fields: object) -> bytes:
    """The record with other values."""
    return json.dumps({**json.loads(line), **fields}).encode()


def test_evidence_becomes_weaknesses(synthetic: ModuleType, tmp_path: Path) -> None:
    run = synthetic.make_run(
        tmp_path / "run", [synthetic.Phone(caps=True, drift=0.2), synthetic.Phone(name="b", emulated=True)]
    )
    text = "\n".join(write_report(run).weaknesses)
    for part in (
        "the heat gate gave up at its cap before 3 of 8 launches",
        "hit its cap in",
        "involuntary context switch",
        "the last-level cache was assumed to be 2 MiB",
        "the clock was not the same throughout",
        "the clock probe was not available in 8 of 8 workers",
        "no share of peak from 8 of 8 workers",
        "EMULATED",
    ):
        assert part in text


def test_a_clean_run_has_no_weakness_and_no_tainted_sample(synthetic: ModuleType, tmp_path: Path) -> None:
    summary = write_report(synthetic.make_run(tmp_path / "run", launches=4))
    assert summary.weaknesses == ()
    assert summary.judged.startswith("0 of 1472 samples are tainted, judged by the policy default, rules of version 3")


@given(st.floats(1e-6, 1e15))
def test_number_text_keeps_nine_digits(value: float) -> None:
    assert float(number_text(value)) == pytest.approx(value, rel=1e-8)
    assert "e" not in number_text(value)


def test_ticks_of_ratio_axes() -> None:
    assert ratio_ticks([0.93, 1.36]) == [1.0, 1.1, 1.2, 1.3]
    assert ratio_ticks([0.66, 2.1]) == [0.8, 1.0, 1.2, 1.4, 1.7, 2.0]
    assert ratio_ticks([0.9, 60]) == [1.0, 2.0, 4.0, 7.0, 20.0, 40.0]
    assert ratio_ticks([0.95, 1.05]) == [0.96, 0.98, 1.0, 1.02, 1.04]


def test_numbers_for_people() -> None:
    assert [rounded(v) for v in (0.01234, 1.5, 12.34, 123.4, 12345)] == ["0.0123", "1.50", "12.3", "123", "12\u202f345"]
    assert bytes_text(1536)[:2] == ("1.50", "KiB")
    assert bytes_text(12)[:2] == ("12", "B")
    assert time_unit(2.5e6) == ("ms", 1e-6)
    assert ratio_decimals(1.004, 1.001, 1.008) == 3
    assert ratio_decimals(1.31, 1.28, None) == 2
    assert number_text(None) == number_text(float("nan")) == ""


def test_a_layer_of_the_manifest_that_is_none_is_left_out(synthetic: ModuleType, tmp_path: Path) -> None:
    run = synthetic.make_run(tmp_path / "run", launches=2, rounds=1)
    manifest = json.loads((run / "manifest.json").read_text())
    manifest["suite"]["layers"][1] = {"name": "conv2_3x3", "h": 0}
    (run / "manifest.json").write_text(json.dumps(manifest))
    write_report(run)
    assert "shape unknown" in (run / "report.html").read_text()
