"""What a device's records say is done already, for --resume: whole jobs, and single samples of cut ones."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from harness.store import records


@dataclass
class Done:
    """What one cluster has on record."""

    attempts: int = 0
    jobs: set[tuple[int, str]] = field(default_factory=set)  # (launch, layer) of which nothing is missing
    rounds: dict[tuple[int, str], int] = field(default_factory=dict)  # of those that lack variants
    samples: dict[tuple[int, str], set[tuple[int, int]]] = field(default_factory=lambda: defaultdict(set))
    calls: dict[tuple[str, str, str], int] = field(default_factory=dict)  # of a sample; (layer, asked for, cache)
    excluded: set[tuple[str, str, str]] = field(default_factory=set)  # crashed, hung or too short; cache "": every mode
    faults: list[records.Check | records.Error] = field(default_factory=list)  # wrong results, crashes

    def add(self, record: records.Record) -> None:
        """Takes one record into account."""
        if isinstance(record, records.Header):
            self.attempts = max(self.attempts, record.attempt)
        elif isinstance(record, records.Job):
            self._end_job(record)
        elif isinstance(record, records.Sample):
            self.samples[record.launch, record.layer].add((record.round, record.position))
            self.calls.setdefault(_way(record), record.calls)
        elif isinstance(record, records.Error):
            self._fail(record)
        elif isinstance(record, records.Check) and not record.ok:
            self.faults.append(record)
        elif isinstance(record, records.Skip) and record.cache and not record.bytes:
            self.excluded.add(_way(record))

    def _fail(self, record: records.Error) -> None:
        if record.external:
            return  # it is measured again
        self.faults.append(record)
        if record.signal or record.timed_out:
            self.excluded.add(_way(record))

    def _end_job(self, record: records.Job) -> None:
        if record.complete:
            self.jobs.add((record.launch, record.layer))
        elif record.rounds:
            self.rounds[record.launch, record.layer] = record.rounds


def _way(record: records.Sample | records.Error | records.Skip) -> tuple[str, str, str]:
    return (record.layer, record.asked, record.cache)


def done_by_cluster(path: Path) -> dict[str, Done]:
    """Reads records.jsonl; lines that are no records are left out."""
    clusters: dict[str, Done] = {}
    try:
        data = path.read_bytes()
    except OSError:
        return clusters
    current: Done | None = None
    for line in data.split(b"\n"):
        try:
            record = records.parse_record(line)
        except ValueError:
            continue
        if isinstance(record, records.Header):
            current = clusters.setdefault(record.cluster, Done())
        if current is not None:
            current.add(record)
    return clusters
