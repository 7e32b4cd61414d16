"""The way to the first sample: how it is read off a run directory."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmarks.first_sample import Way, table, way

pytestmark = pytest.mark.unit

BEGAN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).timestamp()
SAMPLE = b'{"type":"sample","seq":9,"t_ns":5900000000}\n'


def test_it_ends_where_the_first_sample_begins(tmp_path: Path) -> None:
    assert way(tmp_path, BEGAN, 5_000_000_000) is None
    device = tmp_path / "devices" / "local"
    device.mkdir(parents=True)
    records = device / "records.jsonl"
    records.write_bytes(b'{"type":"header","seq":0}\n' + SAMPLE[:-1])
    assert way(tmp_path, BEGAN, 5_000_000_000) is None  # its line is not whole yet
    events = (
        {"utc": "2026-01-02T03:04:05.100Z", "event": "spawning"},
        {"utc": "2026-01-02T03:04:05.250Z", "event": "spawned"},
    )
    (device / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    records.write_bytes(b'{"type":"header","seq":0}\n' + SAMPLE + SAMPLE.replace(b"59", b"79"))
    found = way(tmp_path, BEGAN, 5_000_000_000)
    assert found is not None
    assert found.program_s == pytest.approx(0.25)
    assert found.sample_s == pytest.approx(0.9)


def test_the_table_has_least_middle_and_most() -> None:
    _, samples = table([Way(0.5, 1.5), Way(0.5, 1.25), Way(0.5, 1.75)])
    assert samples.split() == ["first", "sample", "1.25", "1.50", "1.75"]
