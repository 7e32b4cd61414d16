"""Samples as columns: the same ones as pydantic takes, with the same values, and no others."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from benchmarks import synthetic
from harness.judge import sample
from harness.judge import sample as judge
from harness.results.samples import Samples
from harness.results.stream import Stream, read_records
from harness.store import records
from tests.variants import fields

pytestmark = pytest.mark.unit

WHOLE: dict[str, Any] = {
    **{"type": "sample", "seq": 1, "launch": 0, "round": 0, "position": 0, "layer": "l"},
    **fields("indirect/k", cache="hot"),
    **{"calls": 5, "ns": 100.5, "window_ns": 502.5, "window_short": False, "copy_ns": None, "copies": 1},
    **{"settle_ns": 7.0, "settle_capped": False, "mhz_before": 2000.0, "mhz_after": None, "cpu_before": 4},
    **{"cpu_after": 4, "repinned": 0, "nivcsw": 0, "faults": 0, "t_ns": 1 << 62, "pid": 9},
    "addresses": {"input": "0x1", "weights": "0x2", "output": "0x3", "pointers": "0x4", "matrix": ""},
}
ODD = ["7", "x", "", 7, 7.0, 7.5, -1, 10**400, 1e300, 1 << 70, True, None, [], {}, {"input": 1}, {"input": None}, "hot"]


def read(tmp_path: Path, *lines: bytes) -> tuple[Stream, list[str]]:
    """The lines behind a header."""
    phone = synthetic.Phone()
    header = next(synthetic.records(phone, "4-7", 2803, [], 0, 0, [], None))  # type: ignore[arg-type]
    file = tmp_path / "records.jsonl"
    file.write_bytes(b"\n".join([json.dumps({"seq": 0, **header}).encode(), *lines, b""]))
    (stream,), faults = read_records(file)
    return stream, faults


def by_pydantic(lines: list[bytes]) -> tuple[list[records.Record], list[str]]:
    """What each line is by itself, and which are refused."""
    taken, faults = [], []
    for number, line in enumerate(lines, start=2):
        try:
            taken.append(records.parse_record(line))
        except ValueError:
            faults.append(f"line {number} of records.jsonl")
    return taken, faults


def refused(faults: list[str]) -> list[str]:
    """Which lines these are of; not those of which evidence alone is unknown."""
    faults = [fault for fault in faults if not fault.endswith("): taken as unknown")]
    assert all(fault.endswith(" and is ignored") for fault in faults)
    return [fault.split(" is no ")[0].split(" holds ")[0] for fault in faults]


@pytest.mark.parametrize("name", sorted(set(WHOLE) - {"type"}))
def test_any_value_of_any_field_is_taken_or_refused_as_by_pydantic(tmp_path: Path, name: str) -> None:
    lines = [json.dumps({**WHOLE, name: value}).encode() for value in ODD]
    lines.append(json.dumps({key: value for key, value in WHOLE.items() if key != name}).encode())
    stream, faults = read(tmp_path, *lines)
    taken, expected = by_pydantic(lines)
    assert refused(faults) == expected
    assert list(stream.samples) == taken
    for ours, theirs in zip(stream.samples, taken, strict=True):
        for key, value in theirs:
            assert type(getattr(ours, key)) is type(value), key


@pytest.mark.parametrize(
    "line",
    [
        json.dumps(WHOLE).encode().replace(b"100.5", b"NaN"),
        json.dumps(WHOLE).encode().replace(b"100.5", b"1e999"),
        json.dumps(WHOLE).encode().replace(b'"l"', rb'"\ud800"'),
        json.dumps(WHOLE).encode().replace(b'"l"', rb'"\u00e9"'),
        json.dumps(WHOLE).encode().replace(b'"l"', "é".encode()),
        json.dumps(WHOLE).encode().replace(b'"l"', b'"\xed\xa0\x80"'),
        json.dumps(WHOLE).encode().replace(b'"l"', b'"\xff"'),
        json.dumps(WHOLE).encode().replace(b'"l"', b'"\x01"'),
        json.dumps(WHOLE).encode()[:-1],
        json.dumps(WHOLE).encode() + b" x",
        b"  " + json.dumps(WHOLE).encode() + b"\r",
        json.dumps(WHOLE).encode() * 2,
        b"[" + json.dumps(WHOLE).encode() + b"]",
        b'{"type": "sample", ' + json.dumps(WHOLE).encode()[1:],
        json.dumps(WHOLE).encode()[:-1] + b', "pid": 11}',
        json.dumps({**WHOLE, "more": [1, {"sample": "sample"}]}).encode(),
        b"[" * 100_000 + b'"sample"',
        b'{"type":"samp',
        b"\xff\xfe",
    ],
)
def test_any_line_is_taken_or_refused_as_by_pydantic(tmp_path: Path, line: bytes) -> None:
    lines = [json.dumps(WHOLE).encode(), line, json.dumps(WHOLE).encode()]
    stream, faults = read(tmp_path, *lines)
    taken, expected = by_pydantic(lines)
    assert (list(stream.samples), refused(faults)) == (taken, expected)


def test_faults_are_told_in_the_order_of_the_lines(tmp_path: Path) -> None:
    bad = json.dumps({**WHOLE, "ns": "x"}).encode()
    good = json.dumps(WHOLE).encode()
    stream, faults = read(tmp_path, good, bad, b"{", good, bad, good, good[:40])
    assert [fault.split(" of")[0] for fault in faults] == ["line 3", "line 4", "line 6", "line 8"]
    assert len(stream.samples) == 3


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ns", -1500.0),  # the clock was set back between start and end
        ("ns", 0.0),
        ("ns", 1e308),
        ("window_ns", -3.0),
        ("copy_ns", 1e300),
        ("t_ns", -(10**18)),
        ("t_ns", 1 << 63),
    ],
)
def test_a_number_that_cannot_be_is_told_and_its_sample_discarded(tmp_path: Path, name: str, value: float) -> None:
    good = json.dumps(WHOLE).encode()
    stream, faults = read(tmp_path, good, json.dumps({**WHOLE, name: value}).encode(), good)
    (fault,) = faults
    assert fault.startswith(f"line 3 of records.jsonl holds a number that cannot be ({name}=")
    assert len(stream.samples) == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("settle_ns", -1e18), ("mhz_before", 1e300), ("faults", 1 << 64), ("cpu_after", 1 << 40), ("nivcsw", -2)),
        *(("cpu_ns", math.nan), ("span_ns", -1.0), ("gflops_after", math.inf), ("gbps_before", "fast"), ("faults", [])),
    ],
)
def test_evidence_that_cannot_be_is_told_and_unknown(tmp_path: Path, name: str, value: object) -> None:
    """The sample stands without it; how it is judged then is that of a sample that does not tell."""
    good = json.dumps(WHOLE).encode()
    stream, faults = read(tmp_path, good, json.dumps({**WHOLE, name: value}).encode(), good)
    (fault,) = faults
    assert fault.startswith(f"line 3 of records.jsonl holds evidence that cannot be ({name}=")
    assert fault.endswith("): taken as unknown")
    assert [getattr(sample, name) for sample in stream.samples][1] is None
    assert len(stream.samples) == 3


def test_records_before_any_header_are_told(tmp_path: Path) -> None:
    file = tmp_path / "records.jsonl"
    file.write_bytes(json.dumps(WHOLE).encode() + b"\n{}\n")
    assert read_records(file) == (
        [],
        [
            "line 1 of records.jsonl stands before any header and is ignored",
            "line 2 of records.jsonl is no record and is ignored",
        ],
    )


def test_columns_hold_the_evidence() -> None:
    sample = records.Sample.model_validate(WHOLE)
    evidence = Samples.of([sample, sample.model_copy(update={"nivcsw": 2, "mhz_after": 1000.0})]).evidence
    assert judge.switched(evidence).tolist() == [False, True]
    assert judge.clock_known(evidence).tolist() == [False, True]
    assert judge.clock_moved(evidence, 0.05).tolist() == [False, True]


def test_evidence_that_is_not_told_disturbs_no_sample(tmp_path: Path) -> None:
    names = ("settle_ns", "settle_capped", "cpu_before", "cpu_after", "repinned", "nivcsw", "faults", "mhz_before")
    untold = json.dumps({**WHOLE, **dict.fromkeys(names)}).encode()
    disturbed = json.dumps({**WHOLE, "settle_capped": True, "cpu_after": 5, "repinned": 1, "nivcsw": 2, "faults": 3})
    stream, faults = read(tmp_path, untold, disturbed.encode())
    assert faults == []
    tests = (sample.settling_capped, sample.cpu_changed, sample.repinned, sample.switched, sample.faulted)
    assert [test(stream.samples.evidence).tolist() for test in tests] == [[False, True]] * 5
    assert sample.clock_known(stream.samples.evidence).tolist() == [False, False]
