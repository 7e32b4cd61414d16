"""What is planned and on record: each line is read once, whatever grows, is cut, or is added by who measures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.store.progress import done_by_cluster
from harness.store.rundir import RunDir

pytestmark = pytest.mark.unit

HEADER = {
    "type": "header", "seq": 0, "version": 2, "run": "r", "attempt": 1, "cluster": "0-1", "cpu": 1, "build": "0" * 12,
    "compiler": "c", "flags": "f", "caches": {}, "plan_hash": "h", "memory_budget": 1, "page_size": 4096,
    "timer": {"name": "t", "tick_ns": 1, "cost_ns": 1}, "conductor_pid": 1, "conductor_start_ticks": 1,
}  # fmt: skip


def jobs(device: str, cluster: str, *layers: str) -> list[dict[str, Any]]:
    return [{"device": device, "cluster": cluster, "launch": 0, "layer": layer} for layer in layers]


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The lines that were parsed."""
    seen: list[bytes] = []
    loads = json.loads

    def counted(line: bytes) -> Any:
        seen.append(line)
        return loads(line)

    monkeypatch.setattr("harness.store.journal.json.loads", counted)
    return seen


def test_a_plan_of_many_phones_is_parsed_once(tmp_path: Path, parsed: list[bytes]) -> None:
    run = RunDir(tmp_path)
    for number in range(50):
        run.add_jobs(jobs(f"p{number}", "0-3", "a", "b") + jobs(f"p{number}", "4-7", "a"))
        assert run.ledger.clusters(f"p{number}") == ["0-3", "4-7"]
    for number in range(50):
        assert run.ledger.jobs(f"p{number}", "0-3") == [(0, "a"), (0, "b")]
        assert run.ledger.jobs(f"p{number}", "4-7") == [(0, "a")]
    assert len(parsed) == 150


def test_a_cut_line_counts_when_it_is_whole_and_damaged_ones_never(tmp_path: Path) -> None:
    run, file = RunDir(tmp_path), tmp_path / "plan.jsonl"
    assert run.ledger.clusters("p") == []
    whole = "".join(json.dumps(job) + "\n" for job in jobs("p", "0-3", "a", "b"))
    file.write_text("damaged\n[]\n" + whole[:-5])
    assert run.ledger.jobs("p", "0-3") == [(0, "a")]
    file.write_text("damaged\n[]\n" + whole)
    assert run.ledger.jobs("p", "0-3") == [(0, "a"), (0, "b")]
    file.write_text("")
    assert run.ledger.clusters("p") == []


def test_records_are_parsed_again_only_where_others_than_the_session_wrote_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, reads = RunDir(tmp_path), []
    read = done_by_cluster

    def counted(file: Path) -> Any:
        reads.append(file)
        return read(file)

    monkeypatch.setattr("harness.store.ledger.done_by_cluster", counted)
    assert (run.ledger.done("p"), reads) == ({}, [])
    file = run.device("p").records
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(HEADER) + "\n")
    done = run.ledger.done("p")
    assert (done["0-1"].attempts, len(reads)) == (1, 1)
    done["0-1"].attempts = 3  # an attempt that left no record
    with file.open("a") as more:
        more.write(json.dumps({**HEADER, "attempt": 2}) + "\n")
    run.ledger.added("p")
    assert run.ledger.done("p") is done and len(reads) == 1
    with file.open("a") as more:
        more.write(json.dumps({**HEADER, "cluster": "2-3"}) + "\n")
    assert set(run.ledger.done("p")) == {"0-1", "2-3"} and len(reads) == 2
    assert run.ledger.done("p")["0-1"].attempts == 3
