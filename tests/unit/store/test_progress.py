"""What a resumed run takes over from its records."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.store.progress import done_by_cluster
from tests.variants import fields

pytestmark = pytest.mark.unit

HEADER = {
    **{"type": "header", "version": 2, "run": "r", "attempt": 1, "cluster": "0-3", "cpu": 0, "build": "0" * 12},
    **{"compiler": "c", "flags": "", "caches": {}, "plan_hash": "h", "memory_budget": 1, "page_size": 4096},
    **{"timer": {"name": "t", "tick_ns": 1, "cost_ns": 1}, "conductor_pid": 1, "conductor_start_ticks": 1},
}


def sample(round_: int, calls: int) -> dict[str, Any]:
    return {
        **{"type": "sample", "launch": 0, "round": round_, "position": 0, "layer": "a", "calls": calls, "ns": 1.0},
        **fields("im2col/k", cache="hot"),
        **{"settle_ns": 1, "settle_capped": False, "cpu_before": 0, "cpu_after": 0, "nivcsw": 0, "faults": 0},
        **{"t_ns": 1, "pid": 1},
    }


def test_faces_are_kept_apart(tmp_path: Path) -> None:
    best = fields("im2col/k+best", "im2col/best", "hot", face="best")
    auto = fields("auto/im2col_k", "auto", "hot", face="best")
    records = [
        *(HEADER, sample(0, 12), {**sample(1, 13), **best}, {**sample(2, 14), **auto}),
        {**failure("im2col", "hot", signal=11), **auto},
        {**failure("direct", "", signal=11), **fields("direct/best", "direct/best", face="best")},
    ]
    file = tmp_path / "records.jsonl"
    file.write_text("".join(json.dumps({"seq": i, **r}) + "\n" for i, r in enumerate(records)))
    done = done_by_cluster(file)["0-3"]
    assert done.calls == {
        ("a", "im2col", "hot", 1, ""): 12,
        ("a", "im2col/best", "hot", 1, ""): 13,
        ("a", "auto", "hot", 1, ""): 14,
    }
    assert done.excluded == {("a", "auto", "hot", 1, ""), ("a", "direct/best", "", 1, "")}


def failure(algorithm: str, cache: str, **more: object) -> dict[str, Any]:
    what = {"type": "error", "launch": 0, "layer": "a", **fields(algorithm, cache=cache)}
    return {**what, "reason": "", **more}


def test_calls_and_what_was_given_up(tmp_path: Path) -> None:
    short = {"type": "skip", "layer": "a", **fields("direct/k", cache="rotate")}
    records = [
        *(HEADER, sample(0, 12), sample(1, 13)),
        failure("indirect", "hot", signal=11),
        failure("naive", "", reason="timed out: no answer for 60 s", timed_out=True),
        failure("im2col", "rotate", reason="ran on another CPU"),  # not its fault: tried again
        {**short, "reason": "a call takes 9 ns"},
        {**short, **fields("naive", cache="rotate"), "reason": "too little memory", "bytes": 5},
    ]
    file = tmp_path / "records.jsonl"
    file.write_text("".join(json.dumps({"seq": i, **r}) + "\n" for i, r in enumerate(records)))
    done = done_by_cluster(file)["0-3"]
    assert done.calls == {("a", "im2col", "hot", 1, ""): 12}
    ways = (("indirect", "hot", 1), ("naive", "", 1), ("direct", "rotate", 1))
    assert done.excluded == {("a", *way, "") for way in ways}


def test_what_another_build_did_is_not_ours(tmp_path: Path) -> None:
    other = {"build": "f" * 12}
    records = [HEADER, sample(0, 12), sample(1, 15) | other, failure("im2col", "hot", signal=11) | other]
    file = tmp_path / "records.jsonl"
    file.write_text("".join(json.dumps({"seq": i, **r}) + "\n" for i, r in enumerate(records)))
    done = done_by_cluster(file)["0-3"]
    assert done.calls == {("a", "im2col", "hot", 1, ""): 12, ("a", "im2col", "hot", 1, "f" * 12): 15}
    assert done.excluded == {("a", "im2col", "hot", 1, "f" * 12)}


def job(rounds: int, *, complete: bool) -> dict[str, Any]:
    sizes = {"rounds": rounds, "rounds_planned": 5, "complete": complete, "elapsed_s": 1}
    return {"type": "job", "launch": 0, "layer": "a", **sizes}


NAIVE = fields("naive", "naive", "hot")
REFUSED = {"type": "skip", "layer": "a", **NAIVE, "reason": "too little memory", "bytes": 5 << 20}
WRONG = {
    **{"type": "check", "launch": 0, "layer": "a", **fields("naive", "naive", "")},
    **{"by": "reference", "outputs": 1, "error_over_bound": 2.0, "ok": False},
}


@pytest.mark.parametrize(
    ("found", "is_done"),
    [
        ([failure("im2col", "hot", signal=9, external=True), job(5, complete=False)], False),
        ([failure("im2col", "hot", signal=11), job(5, complete=True)], True),
        ([job(0, complete=True)], False),  # without samples, and nobody says why
        ([job(5, complete=True)], False),
        ([{"type": "skip", "layer": "a", **fields("im2col"), "reason": "no such kernel"}, job(0, complete=True)], True),
        ([sample(0, 12), job(5, complete=True)], True),
        ([job(0, complete=False)], False),
        ([sample(0, 12), job(2, complete=False), HEADER, job(2, complete=True)], True),
        ([REFUSED, sample(0, 12), job(5, complete=True)], False),  # another variant has samples
        ([REFUSED, job(5, complete=True), HEADER, {**sample(0, 12), **NAIVE}], True),  # had it later
        (
            [REFUSED, sample(0, 12), failure("naive", "hot", signal=11), job(5, complete=True)],
            True,
        ),  # had it, and crashed
        ([REFUSED, sample(0, 12), failure("naive", "", timed_out=True), job(5, complete=True)], True),
        ([{**REFUSED, "cache": ""}, sample(0, 12), failure("naive", "hot", signal=11), job(5, complete=True)], True),
        ([REFUSED, sample(0, 12), WRONG, job(5, complete=True)], True),
        ([REFUSED, sample(0, 12), failure("naive", "rotate", signal=11), job(5, complete=True)], False),
        ([REFUSED, sample(0, 12), failure("naive", "hot", external=True), job(5, complete=True)], False),
        ([{**REFUSED, "bytes": 3 << 30}, job(0, complete=True)], True),  # more than a sample may take: a skip
    ],
)
def test_a_job_that_lacks_what_failed_by_no_fault_of_its_own_is_not_done(
    tmp_path: Path, found: list[dict[str, Any]], is_done: bool
) -> None:
    file = tmp_path / "records.jsonl"
    file.write_text("".join(json.dumps({"seq": i, **r}) + "\n" for i, r in enumerate([HEADER, *found])))
    done = done_by_cluster(file)["0-3"]
    assert ((0, "a") in done.done_jobs()) == is_done
    if found[0].get("external"):
        assert (done.excluded, done.faults, done.rounds) == (set(), [], {(0, "a"): 5})
