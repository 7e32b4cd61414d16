"""Rows, comparisons, means and tables out of samples that are made up."""

from __future__ import annotations

import json

import pytest

from benchmarks.peers.figures import known_core, misconfigured
from benchmarks.peers.findings import Findings, Sample
from benchmarks.peers.summary import ALL, close_calls, comparisons, means, rows
from benchmarks.peers.tables import grouped, tables, to_json, to_markdown
from harness.comparators.stubs import assembly
from harness.model.layer import Layer

pytestmark = pytest.mark.unit

CONV = Layer(name="conv", h=8, w=8, kh=3, kw=3, pad=(1, 1, 1, 1), cin=16, cout=16)
POINT = Layer(name="point", h=8, w=8, kh=1, kw=1, cin=16, cout=16)
PEAK = 100.0


def made(percents: dict[str, dict[str, float]]) -> Findings:
    """Findings where each variant has these per cents of peak, the same in five launches of two rounds."""
    findings = Findings([CONV, POINT])
    findings.peaks[1] = [PEAK]
    for layer in findings.layers:
        for variant, percent in percents.get(layer.name, {}).items():
            net = layer.flop / (percent / 100 * PEAK)
            for launch in range(5):
                drift = 1 + 0.01 * launch  # of the whole machine: cancels in pairs
                findings.samples += [Sample(variant, layer.name, 1, launch, r, net * drift) for r in (0, 1)]
    return findings


def test_the_best_peer_is_without_winograd_and_auto_is_ours() -> None:
    percents = {"ours auto": 96.0, "ours indirect/a": 97.0, "xnnpack": 88.0, "onednn": 95.9, "ncnn_winograd": 250.0}
    answers = comparisons(made({"conv": percents}))
    best = answers["ours / best peer"][0]
    assert (best.ours, best.other) == ("ours auto", "onednn")
    assert best.ratio.value == pytest.approx(96 / 95.9)
    assert best.close
    assert best in close_calls(answers["ours / best peer"])
    xnnpack = answers["ours / XNNPACK"][0]
    assert xnnpack.verdict == "faster"
    assert not xnnpack.close


def test_empty_calls_are_taken_off_and_one_that_waited_changes_nothing() -> None:
    findings = made({"conv": {"ours auto": 96.0, "onednn": 48.0}})
    calm = comparisons(findings)["ours / best peer"][0].ratio
    assert calm.value == pytest.approx(2.0)
    net = next(sample.ns for sample in findings.samples if sample.variant == "onednn")
    findings.empty_ns[1, "onednn"] = [net / 2, net / 2, 1000 * net, net / 2, net / 2]
    assert comparisons(findings)["ours / best peer"][0].ratio.value == pytest.approx(1.0, abs=0.02)


def test_without_auto_the_fastest_of_ours_counts() -> None:
    answers = comparisons(made({"conv": {"ours im2col/a": 90.0, "ours indirect/a": 97.0, "torch_im2col": 60.0}}))
    assert answers["ours / best peer"][0].ours == "ours indirect/a"
    assert answers["im2col / torch im2col, 3x3"][0].ratio.value == pytest.approx(1.5)


ZEN_4 = "vendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 17\nflags\t\t: fpu avx2 fma avx512f\n"


@pytest.mark.parametrize(
    ("cpuinfo", "known"),
    [
        (ZEN_4, True),
        (ZEN_4.replace(" avx512f", ""), False),  # Zen 3
        (ZEN_4.replace("AuthenticAMD", "GenuineIntel"), False),
        (ZEN_4.replace(": 25", ": 26"), False),
        ("processor\t: 0\nCPU implementer\t: 0x41\n", False),
    ],
)
def test_figures_are_known_of_one_kind_of_core(cpuinfo: str, known: bool) -> None:
    assert known_core(cpuinfo) == known


def test_on_another_core_no_peer_is_judged() -> None:
    findings = made({"conv": {"ours auto": 96.0, "xnnpack": 55.0}})
    assert comparisons(findings)["ours / XNNPACK"][0].verdict == "misconfigured"
    findings.known_core = False
    assert comparisons(findings)["ours / XNNPACK"][0].verdict == "faster"


def test_a_peer_far_below_its_figure_is_misconfigured_and_not_beaten() -> None:
    findings = made({"conv": {"ours auto": 96.0, "xnnpack": 75.0}, "point": {"ours auto": 96.0, "xnnpack": 93.0}})
    answers = comparisons(findings)
    verdicts = [answer.verdict for answer in answers["ours / XNNPACK"]]
    assert verdicts == ["misconfigured", "faster"]
    overall = [mean for mean in means(answers) if (mean.what, mean.category) == ("ours / XNNPACK", ALL)]
    assert [(mean.layers, mean.left_out) for mean in overall] == [(1, 1)]
    assert overall[0].ratio.value == pytest.approx(96 / 93)
    by_name = {(row.layer, row.variant): row for row in rows(findings)}
    assert by_name["conv", "xnnpack"].misconfigured
    assert by_name["conv", "xnnpack"].percent == pytest.approx(75 / 1.02)  # the median launch is the drifted one
    assert not by_name["conv", "ours auto"].misconfigured


def test_a_loss_against_a_misconfigured_peer_is_a_loss() -> None:
    answers = comparisons(made({"conv": {"ours auto": 60.0, "xnnpack": 70.0}}))
    assert [answer.verdict for answer in answers["ours / XNNPACK"]] == ["slower"]
    assert [mean.layers for mean in means(answers) if mean.what == "ours / XNNPACK"] == [1, 1]


def test_with_more_threads_the_figures_are_lower() -> None:
    assert not misconfigured("onednn", CONV, 75.0)
    assert misconfigured("onednn", CONV, 73.0)
    assert not misconfigured("onednn", CONV, 55.0, threads=2)
    assert misconfigured("onednn", CONV, 50.0, threads=2)
    assert not misconfigured("ncnn_winograd", CONV, 1.0)


def test_what_did_not_run_has_no_row_but_a_reason() -> None:
    findings = made({"conv": {"ours auto": 96.0}})
    findings.skipped[1, "", "onednn"] = "ImportError: <no> | such"
    answers = comparisons(findings)
    every = tables(findings, rows(findings), answers, means(answers))
    text = to_markdown("t", [], every)
    assert answers["ours / best peer"] == []
    assert "ImportError: &lt;no> \\| such" in text


def test_json_holds_the_samples_and_no_nan() -> None:
    findings = made({"conv": {"ours auto": 96.0, "xnnpack": 88.0}})
    findings.peaks[1].append(float("nan"))
    answers = comparisons(findings)
    values = json.loads(to_json(findings, rows(findings), answers, means(answers), ["note"]))
    assert len(values["samples"]) == len(findings.samples)
    assert values["peaks_gflops"]["1"] == [PEAK, None]
    assert values["comparisons"]["ours / XNNPACK"][0]["verdict"] == "faster"


def test_stubs_define_every_symbol_once() -> None:
    text = assembly(["cudaMalloc", "_ZN3foo3barEv", "_ZTIN3foo3barE"])
    for name in ("cudaMalloc", "_ZN3foo3barEv", "_ZTIN3foo3barE"):
        assert text.count(f"\n{name}:\n") == 1
    assert text.index("\ncudaMalloc:") < text.index("$100") < text.index("\n_ZN3foo3barEv:") < text.index(".data")


def test_the_short_table_has_the_fastest_of_each_group() -> None:
    percents = {"xnnpack": 88.0, "ours auto": 99.0, "ours indirect/avx512_6x64": 96.0, "ours indirect/avx2_6x16": 85.0}
    percents |= {"ours indirect/avx512_6x64+regions": 98.0, "ours im2col/best": 94.0, "ours im2col/avx2_6x16": 80.0}
    found = {row.variant: row.percent for row in grouped(rows(made({"conv": percents})))}
    shown = {name: round(percent * 1.02) for name, percent in found.items()}
    assert shown == {
        "xnnpack": 88,
        "ours auto": 99,
        "ours indirect": 96,
        "ours indirect best": 98,
        "ours im2col": 80,
        "ours im2col best": 94,
        "ours avx2": 85,
    }


def test_readings_of_the_peak_that_are_none_are_told() -> None:
    findings = Findings([CONV])
    findings.peaks[1] = [118.0, 117.0, 119.0]
    findings.peaks[2] = [float("nan"), 230.0, float("nan"), 231.0]
    findings.peaks[3] = [float("nan")]
    assert findings.peaks_note(1) == "1 thread(s) 118.0 (lowest 117.0)"
    assert findings.peaks_note(2) == "2 thread(s) 231.0 (lowest 230.0), 2 of 4 readings not believed"
    assert findings.peaks_note(3) == "3 thread(s) unknown, 1 of 1 readings not believed"
