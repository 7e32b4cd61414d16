"""Append-only files: whole lines, a full disk leaves what was there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.errors import InfrastructureError
from harness.store import journal

pytestmark = pytest.mark.unit


def test_cut_line_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    log = journal.EventLog(file)
    log.add("started", seed=1)
    log.add("spawned", pid=7)
    with file.open("ab") as stream:
        stream.write(b'{"event": "spaw')
    assert [event["event"] for event in journal.read_lines(file)] == ["started", "spawned"]
    assert [event["pid"] for event in log.named("spawning", "spawned")] == [7]


def test_full_disk_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "records.jsonl"
    journal.append_bytes(file, b"one\n")
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, data[:2]))
    with pytest.raises(InfrastructureError, match=r"records\.jsonl.*No space left"):
        journal.append_bytes(file, b"two\n")
    assert file.read_bytes() == b"one\n"


def test_full_device_is_told() -> None:
    with pytest.raises(InfrastructureError, match=r"/dev/full.*No space left"):
        journal.append_bytes(Path("/dev/full"), b"line\n")


def test_atomic_write_leaves_no_temporary(tmp_path: Path) -> None:
    journal.write_atomically(tmp_path / "a" / "b.json", b"1")
    journal.write_atomically(tmp_path / "a" / "b.json", b"2")
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["b.json"]
    assert (tmp_path / "a" / "b.json").read_bytes() == b"2"
