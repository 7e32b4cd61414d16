"""What records of a setting become: samples, empty calls, peaks, modes, reasons."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from benchmarks.peers.findings import EMPTY, Findings
from benchmarks.peers.reading import take
from harness.model.layer import Layer
from harness.results.samples import Samples
from harness.results.stream import Stream
from harness.store import records
from tests.variants import fields

pytestmark = pytest.mark.unit

CONV = Layer(name="conv", h=8, w=8, kh=3, kw=3, pad=(1, 1, 1, 1), cin=16, cout=16)


def of(name: str) -> dict[str, Any]:
    """Fields of a peer, or of ours by label."""
    if not name.startswith("ours "):
        return fields(name, schedule="", kernel="packed", face="best", build=name)
    return fields("indirect/k", build="ours", **{"variant": name.removeprefix("ours ")})


def parsed(values: dict[str, Any]) -> Any:
    return records.parse_record(json.dumps({"seq": 0, **values}).encode())


def sample(name: str, layer: str, launch: int, ns: float, **more: Any) -> records.Sample:
    found = parsed(
        {
            **{"type": "sample", "launch": launch, "round": 0, "position": 0, "layer": layer, **of(name)},
            **{"cache": "hot", "calls": 1, "ns": ns, "settle_ns": 1, "settle_capped": False, "cpu_before": 0},
            **{"cpu_after": 0, "nivcsw": 0, "faults": 0, "t_ns": 1, "pid": 1, **more},
        }
    )
    assert isinstance(found, records.Sample)
    return found


def worker(launch: int, ok: bool = True) -> Any:
    peak = {"isa": "avx2", "ok": ok, "flop_per_cycle": 32.0 if ok else None}
    clock = {"available": True}
    return parsed(
        {"type": "worker", "launch": launch, "build": "ours", "pid": 1, "cpus": "0", "clock": clock, "peak": peak}
    )


def check(name: str, layer: str, error: float | None, ok: bool = True) -> Any:
    told = {"by": "reference", "outputs": 1, "error_over_bound": error, "ok": ok}
    return parsed({"type": "check", "launch": 0, "layer": layer, **of(name), **told})


def skip(name: str, layer: str, reason: str) -> Any:
    return parsed({"type": "skip", "layer": layer, **of(name), "reason": reason})


def read(samples: list[records.Sample], items: list[Any], threads: int = 1, together: float | None = None) -> Findings:
    header: Any = None  # nothing of it is read
    findings = Findings([CONV])
    take(findings, Stream(header, items, Samples.of(samples)), threads, together)
    return findings


def test_samples_and_empty_calls() -> None:
    samples = [sample("ours auto", "conv", n, 100.0) for n in range(2)]
    samples += [sample("ncnn", "conv", n, 150.0) for n in range(2)]
    samples += [sample("ncnn", EMPTY, n, ns) for n, ns in ((0, 30.0), (0, 20.0), (1, 40.0))]
    findings = read(samples, [])
    assert findings.variants(1, "conv") == ["ours auto", "ncnn"]
    assert findings.empty_ns == {(1, "ncnn"): [20.0, 40.0]}  # the least of each launch
    assert [o.value for o in findings.observations(1, "conv", "ncnn")] == [120.0, 120.0]
    assert [o.value for o in findings.observations(1, "conv", "ours auto")] == [100.0, 100.0]


def test_without_an_empty_call_a_peer_is_left_out() -> None:
    samples = [sample("ours auto", "conv", 0, 100.0), sample("ncnn", "conv", 0, 150.0)]
    findings = read(samples, [skip("ncnn", EMPTY, "no such layers"), skip("ncnn", "conv", "unlucky")])
    assert findings.variants(1, "conv") == ["ours auto"]
    assert findings.skipped == {(1, "", "ncnn"): "empty call: no such layers"}


def test_the_first_reason_and_wrong_results() -> None:
    items = [
        check("ours auto", "conv", 0.25),
        check("ours auto", "conv", 0.5),
        check("ncnn", "conv", 70.0, ok=False),
        check("onednn", "conv", None, ok=False),
        skip("xnnpack", "conv", "first"),
        skip("xnnpack", "conv", "second"),
    ]
    findings = read([], items)
    assert findings.errors[1, "conv", "ours auto"] == 0.5
    assert findings.skipped == {
        (1, "conv", "ncnn"): "its result is wrong: 70 times the error that is allowed",
        (1, "conv", "onednn"): "its result is wrong: no number",
        (1, "conv", "xnnpack"): "first",
    }


def test_peaks_are_by_launch_and_layer_at_the_clock_of_our_samples() -> None:
    clocks = {0: (2000.0, 2200.0), 1: (3000.0, 3000.0)}
    samples = [
        sample("ours auto", "conv", launch, 100.0, mhz_before=before, mhz_after=after, threads=2)
        for launch, (before, after) in clocks.items()
    ]
    alone = [sample("ours one thread", "conv", 0, 100.0, mhz_before=4000.0, mhz_after=4000.0) for _ in range(3)]
    findings = read([*samples, *alone], [worker(0), worker(1)], threads=2, together=1.5)
    assert findings.peaks_of == {(2, "conv"): pytest.approx([32 * 2.1 * 1.5, 32 * 3.0 * 1.5])}
    assert not [note for note in findings.notes if "judged" in note]
    doubted = read(samples, [worker(0), worker(1, ok=False)], threads=2, together=1.5)
    assert [math.isnan(reading) for reading in doubted.peaks[2]] == [False, True]
    assert read(alone[:1], [], together=1.0).peaks_note(1) == "1 thread(s) unknown, 1 of 1 readings not believed"


def test_peaks_that_nobody_believes_are_told() -> None:
    samples = [sample("ours auto", "conv", 0, 100.0, mhz_before=2e3, mhz_after=2e3, threads=2)]
    note = "no peer is judged at 2 thread(s): no reading of the FMA peak is believed"
    assert note in read(samples, [worker(0)], threads=2, together=math.nan).notes
    assert note in read([], [], threads=2, together=1.5).notes
    assert note not in read(samples, [worker(0)], threads=2).notes  # of pairs, which judge nobody


def test_what_disturbed_is_told() -> None:
    quiet = [sample("ours auto", "conv", 0, 100.0)]
    assert read(quiet, []).notes == ["1 thread(s): 1 samples, none disturbed"]
    busy = [*quiet, sample("ours auto", "conv", 1, 100.0, nivcsw=2, settle_capped=True)]
    assert read(busy, [], threads=2).notes == [
        "2 thread(s): 2 samples, 1 whose work was interrupted, 1 not settled at the cap"
    ]


def test_modes() -> None:
    sizes = ("input", "output", "weights", "pointer", "matrix", "padding", "object")
    made = {f"{name}_bytes": 1 for name in sizes} | {"type": "layer", "launch": 0, "create_ns": 1, "reshape_ns": 1}
    items = [parsed({**made, "layer": "conv", **of(name)}) for name in ("ncnn", "ours auto")]
    assert read([], items).modes == {(1, "conv", "ncnn"): ["packed"], (1, "conv", "ours auto"): ["indirect/k"]}
