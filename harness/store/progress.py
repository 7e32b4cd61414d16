"""What a device's records say is done already, for --resume: whole jobs, and single samples of cut ones."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from harness.store import records

# Layer, what was asked for, cache mode ("": every one), threads, program ("": the one that the header names).
Way = tuple[str, str, str, int, str]
JobKey = tuple[int, str]  # launch, layer


@dataclass
class Done:
    """What one cluster has on record. Of jobs of which nothing is missing no single sample is remembered."""

    attempts: int = 0
    whole: set[JobKey] = field(default_factory=set)  # jobs with samples of which nothing is missing
    ended: set[JobKey] = field(default_factory=set)  # other jobs of which convbench says that nothing is missing
    rounds: dict[JobKey, int] = field(default_factory=dict)  # of those that ended
    samples: dict[JobKey, set[tuple[int, int]]] = field(default_factory=lambda: defaultdict(set))  # round, position
    calls: dict[Way, int] = field(default_factory=dict)  # of a sample
    excluded: set[Way] = field(default_factory=set)  # crashed, hung or too short
    faults: list[records.Check | records.Error] = field(default_factory=list)  # wrong results, crashes
    refused: dict[Way, str] = field(default_factory=dict)  # for want of memory; why
    hindered: dict[tuple[int, Way], str] = field(default_factory=dict)  # by no fault of theirs, and not measured since
    explained: set[str] = field(default_factory=set)  # layers of which a variant has no samples for a stated reason
    _sampled: dict[JobKey, set[Way]] = field(default_factory=lambda: defaultdict(set))  # of jobs that are not whole
    _own: str = ""  # the program that the newest header names

    def add(self, record: records.Record) -> None:
        """Takes one record into account."""
        if isinstance(record, records.Header):
            self.attempts = max(self.attempts, record.attempt)
            self._own = record.build
        elif isinstance(record, records.Job):
            self._end_job(record)
        elif isinstance(record, records.Sample):
            self._sample(record)
        elif isinstance(record, records.Error):
            self._fail(record)
        elif isinstance(record, records.Check) and not record.ok:
            self.explained.add(record.layer)
            self.faults.append(record)
            self._settle(record)
        elif isinstance(record, records.Skip):
            self._skip(record)

    @property
    def has_samples(self) -> bool:
        """Whether anything was measured."""
        return bool(self.whole or any(self.samples.values()))

    def done_jobs(self) -> set[JobKey]:
        """Jobs of which nothing is missing: one without samples counts only where a record says why."""
        return self.whole | {job for job in self.ended if self._lacks_nothing(job)}

    def lacks(self) -> list[str]:
        """What kept variants from being measured that are missing, by no fault of their own."""
        had = set().union(*self._sampled.values())
        return sorted({*(why for way, why in self.refused.items() if way not in had), *self.hindered.values()})

    def _lacks_nothing(self, job: JobKey) -> bool:
        refused = {way for way in self.refused if way[0] == job[1]}
        return bool(self.samples.get(job) or job[1] in self.explained) and refused <= self._sampled.get(job, set())

    def _sample(self, record: records.Sample) -> None:
        job = (record.launch, record.layer)
        self.samples[job].add((record.round, record.position))
        of_it = self._way(record)
        self.calls.setdefault(of_it, record.calls)
        for way in (of_it, (*of_it[:2], "", *of_it[3:])):
            self._sampled[job].add(way)
            self.hindered.pop((record.launch, way), None)

    def _fail(self, record: records.Error) -> None:
        if record.external:
            self.hindered[record.launch, self._way(record)] = record.reason
            return  # it is measured again
        self.explained.add(record.layer)
        self.faults.append(record)
        self._settle(record)
        if record.signal or record.timed_out:
            self.excluded.add(self._way(record))

    def _settle(self, record: records.Check | records.Error) -> None:
        """It failed by itself, so it had the memory that was refused before: that is missing no longer."""
        layer, asked, cache, *rest = self._way(record)
        for way in list(self.refused):
            of_it = (*way[:2], *way[3:]) == (layer, asked, *rest)
            if of_it and (cache in ("", way[2]) or not way[2]):
                del self.refused[way]

    def _skip(self, record: records.Skip) -> None:
        if record.is_refusal:
            self.refused[self._way(record)] = f"{record.reason} ({record.bytes} bytes)"
            return  # it is measured again
        self.explained.add(record.layer)
        if record.cache and not record.bytes:
            self.excluded.add(self._way(record))

    def _end_job(self, record: records.Job) -> None:
        job = (record.launch, record.layer)
        if record.rounds:
            self.rounds[job] = record.rounds
        if not record.complete:
            return
        if self.samples.get(job) and self._lacks_nothing(job):
            self.whole.add(job)
            del self.samples[job], self._sampled[job]
            self.rounds.pop(job, None)
        else:
            self.ended.add(job)

    def _way(self, record: records.Sample | records.Check | records.Error | records.Skip) -> Way:
        build = "" if record.build == self._own else record.build
        return (record.layer, record.asked, record.cache, record.threads, build)


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
