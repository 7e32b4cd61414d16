"""Records come over in pieces; only whole lines are kept, and nothing twice."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.store import records
from harness.store.progress import done_by_cluster
from harness.store.recordsfile import LineCutter, RecordsFile, parsed
from harness.store.system_records import Telemetry
from tests.mutation import mutated
from tests.variants import fields

pytestmark = pytest.mark.unit


def header(cluster: str = "4-7", attempt: int = 1) -> dict[str, Any]:
    return {
        "type": "header", "seq": 0, "version": 2, "run": "r", "attempt": attempt, "cluster": cluster, "cpu": 7,
        "build": "0" * 12, "compiler": "c", "flags": "f", "caches": {}, "plan_hash": "h",
        "timer": {"name": "t", "tick_ns": 1, "cost_ns": 1}, "memory_budget": 1, "page_size": 4096,
        "conductor_pid": 1, "conductor_start_ticks": 1,
    }  # fmt: skip


def sample(round_: int, position: int, launch: int = 0, layer: str = "a") -> dict[str, Any]:
    return {
        "type": "sample", "seq": 1, "launch": launch, "round": round_, "position": position, "layer": layer,
        **fields("indirect/x", cache="hot"), "calls": 1,
        "ns": 1.0, "settle_ns": 1, "settle_capped": False, "cpu_before": 7, "cpu_after": 7, "nivcsw": 0, "faults": 0,
        "t_ns": 1, "pid": 1,
    }  # fmt: skip


def lines(*values: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=6))
def test_pieces_make_the_same_lines(data: bytes, cuts: list[int]) -> None:
    cutter, got, places = LineCutter(), b"", [0, *sorted(cuts), len(data)]
    for start, end in pairwise(places):
        got += cutter.feed(data[start:end])
    assert got + cutter.cut_tail == data
    assert cutter.offset == len(data)
    assert b"\n" not in cutter.cut_tail and (not got or got.endswith(b"\n"))


def test_cut_tail_is_dropped_and_runs_found(tmp_path: Path) -> None:
    file = RecordsFile(tmp_path / "records.jsonl")
    file.append(lines(header("0-3"), sample(0, 0)))
    file.append(lines(header("4-7", 2), sample(0, 0)))
    with file.path.open("ab") as stream:
        stream.write(b'{"type":"sam')
    assert file.drop_cut_tail() == 12
    assert file.drop_cut_tail() == 0
    assert list(file.runs().items()) == [
        (("0-3", 1), lines(header("0-3"), sample(0, 0))),
        (("4-7", 2), lines(header("4-7", 2), sample(0, 0))),
    ]


def test_no_file_is_no_run(tmp_path: Path) -> None:
    file = RecordsFile(tmp_path / "none.jsonl")
    assert file.drop_cut_tail() == 0
    assert file.runs() == {}


def test_progress_of_two_clusters_and_attempts(tmp_path: Path) -> None:
    job = {
        **{"type": "job", "seq": 2, "launch": 0, "layer": "a", "rounds": 1, "rounds_planned": 2, "complete": True},
        "elapsed_s": 1,
    }
    path = tmp_path / "records.jsonl"
    path.write_bytes(
        lines(header("0-3"), sample(0, 0), job, header("4-7"), sample(0, 1), header("4-7", 2), sample(1, 0))
        + b'{"type":"sample"}\nrubbish\n'
    )
    done = done_by_cluster(path)
    assert done["0-3"].done_jobs() == {(0, "a")} and done["0-3"].attempts == 1
    assert done["4-7"].samples[0, "a"] == {(0, 1), (1, 0)}
    assert done["4-7"].attempts == 2 and not done["4-7"].done_jobs()


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", '"NaN"', "1e999"])
@pytest.mark.parametrize("value", [{**sample(0, 0), "ns": 17.0}, {**header(), "timer": {"tick_ns": 17.0}}])
def test_a_number_that_is_none_makes_no_record(number: str, value: dict[str, Any]) -> None:
    value = {**header(), **value, "timer": {"name": "t", "tick_ns": 1, "cost_ns": 1, **value.get("timer", {})}}
    line = json.dumps(value)
    assert isinstance(next(parsed(line.encode())), records.Header | records.Sample)
    assert isinstance(next(parsed(line.replace("17.0", number).encode())), str)


def test_a_reading_that_is_no_number_is_unknown() -> None:
    line = b'{"type":"telemetry","seq":1,"launch":0,"t_ns":1,"temp_c":{"a":17.5}}'
    assert isinstance(next(parsed(line)), Telemetry)
    for garbage in (b"NaN", b"1e999", b"-1e300", b'"warm"', b"[]"):
        (found,) = parsed(line.replace(b"17.5", garbage))
        assert isinstance(found, Telemetry) and found.temp_c == {"a": None}


def test_rubbish_is_told_not_taken() -> None:
    good, bad = parsed(lines(sample(0, 0)) + b"\xff{\n")
    assert isinstance(good, records.Sample)
    assert isinstance(bad, str)


@given(mutated(lines(sample(0, 0)), lines(header()), lines({"type": "end", "seq": 1, "records": 2, "reason": "done"})))
def test_mutated_lines_are_records_with_times_that_can_be_or_a_reason(said: bytes) -> None:
    for found in parsed(said):
        if isinstance(found, records.Sample):
            assert 1e-3 <= found.ns <= 1e18 and 0 <= found.t_ns < 2**63
        elif isinstance(found, str):
            assert len(found) < 600


@pytest.mark.parametrize("time", [1e308, -1.0, 0.0])
def test_a_time_that_cannot_be_is_discarded_with_the_reason(time: float) -> None:
    """The end before the start, as of a clock that was set back; or centuries."""
    (told,) = parsed(lines({**sample(0, 0), "ns": time}))
    assert isinstance(told, str) and "1 validation error" in told
    (told,) = parsed(lines({**sample(0, 0), "window_ns": -5.0}))
    assert isinstance(told, str)
