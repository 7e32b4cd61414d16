"""What the verdicts on samples were, what they changed, and what their evidence cost."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from harness.judge.reason import WORDS, Reason
from harness.judge.verdict import VERSION
from harness.model.sustained import SUSTAINED
from harness.report.numbers import ratio_text
from harness.report.sentences import Sentence
from harness.results.categories import CategoryRow
from harness.results.evidence import Cost, SourceLine, cost_of, lines_of
from harness.results.numbers import on_threads
from harness.results.results import Results, categories_of_all
from harness.stats.interval import Interval

_LEAST = 1e-3  # less is no change
_MOST = 12  # that are shown


@dataclass(frozen=True)
class JudgedCluster:
    """The samples of one cluster."""

    place: str
    mark: str  # EMULATED, or nothing
    count: int
    tainted: int
    reasons: Mapping[Reason, int]  # samples that each concerns, most first
    unjudged: int  # rows
    sources: list[SourceLine]  # of evidence
    cost: Cost | None  # of evidence; None where it was not measured

    @property
    def cost_text(self) -> str:
        """``1.3 % of the time``; empty where it was not measured."""
        return "" if self.cost is None else f"{100 * self.cost.share:.1f} % of the time"

    @property
    def lacking(self) -> list[SourceLine]:
        """The sources with a reason for what they do not tell."""
        return [line for line in self.sources if line.why]

    @property
    def text(self) -> str:
        """``Pixel 3, CPUs 4-7: 12 of 300 samples are tainted (PREEMPTED 10, CLOCK_DROP 2)``."""
        why = ", ".join(f"{reason.name} {count}" for reason, count in self.reasons.items())
        rows = f"; {self.unjudged} row{'s' * (self.unjudged != 1)} not judged" if self.unjudged else ""
        return f"{self.place}: {self.tainted} of {self.count} samples tainted{f' ({why})' if why else ''}{rows}"


@dataclass(frozen=True)
class Changed:
    """A mean that is another one when every sample counts."""

    row: CategoryRow
    every: Interval

    @property
    def turned(self) -> tuple[str, ...]:
        """The key of the same comparison the other way round."""
        return _key(replace(self.row, algorithm=self.row.other, other=self.row.algorithm))

    @property
    def moved(self) -> float:
        """By how much, on the log scale."""
        return abs(math.log(self.every.value / self.row.ratio.value))

    @property
    def place(self) -> str:
        """``pixel-3, CPUs 4-7 on 2 threads, hot, face published``."""
        row = self.row
        return f"{row.device}, CPUs {row.cluster}{on_threads(row.threads)}, {row.cache}, face {row.face}"

    @property
    def every_text(self) -> str:
        """The mean over every sample."""
        return ratio_text(self.every)


@dataclass(frozen=True)
class Judged:
    """All of a run, under a policy."""

    policy: str
    is_on: bool
    version: int
    clusters: list[JudgedCluster]
    changed: list[Changed]  # those that moved most
    more_changed: int  # others
    is_sustained: bool = False

    @property
    def count(self) -> int:
        """Of samples."""
        return sum(each.count for each in self.clusters)

    @property
    def tainted(self) -> int:
        """Of samples."""
        return sum(each.tainted for each in self.clusters)

    @property
    def unjudged(self) -> int:
        """Of rows."""
        return sum(each.unjudged for each in self.clusters)

    @property
    def reasons(self) -> list[tuple[str, str]]:
        """Every reason that was found, with its words."""
        found = {reason for each in self.clusters for reason in each.reasons}
        return [(str(reason.name), words) for reason, words in WORDS.items() if reason in found]

    @property
    def text(self) -> str:
        """One sentence of all samples."""
        if self.is_sustained:
            return "Samples of a sustained run are not judged: a clock that falls is what it is to show"
        if not self.is_on:
            return f"Samples are not judged, as the policy {self.policy} has it: every sample on record counts"
        rule = f"judged by the policy {self.policy}, rules of version {self.version}"
        if not self.count:
            return f"There is no sample to be {rule}"
        rows = f"; {self.unjudged} row{'s' * (self.unjudged != 1)} had too few left to be judged"
        out = "; they are kept, and left out together with their partners of the round" if self.tainted else ""
        return f"{self.tainted} of {self.count} samples are tainted, {rule}{out}{rows if self.unjudged else ''}"


def make_judged(results: Results, sentences: list[Sentence]) -> Judged:
    """Of all clusters, in the order of the sentences."""
    policy = results.verdicts.policy
    changed = list(_changed(results)) if results.verdicts.tainted else []
    changed.sort(key=lambda each: -each.moved)
    places = {sentence.where[:2]: replace(sentence, threads=1) for sentence in sentences if sentence.cluster}
    clusters = [_cluster(results, sentence) for sentence in places.values()]
    return Judged(
        policy.name,
        policy.verdicts,
        VERSION,
        [each for each in clusters if each.count],
        changed[:_MOST],
        max(0, len(changed) - _MOST),
        results.run.mode == SUSTAINED,
    )


def _cluster(results: Results, sentence: Sentence) -> JudgedCluster:
    verdicts = results.verdicts.of(sentence.device.name, sentence.cluster)
    rows = results.rows_of(sentence.device.name, sentence.cluster)
    unjudged = sum(row.status == "unjudged" for row in rows)
    streams = sentence.device.streams_of(sentence.cluster)
    return JudgedCluster(
        place=sentence.place,
        mark=sentence.device.mark,
        count=verdicts.count,
        tainted=verdicts.tainted,
        reasons=verdicts.reasons,
        unjudged=unjudged,
        sources=lines_of(sentence.device, streams),
        cost=cost_of(streams),
    )


def _changed(results: Results) -> Iterator[Changed]:
    """Means that move by more than a thousandth when every sample counts; of two reciprocal ones the first."""
    judged = {_key(row): row for row in results.categories}
    told: set[tuple[str, ...]] = set()
    for every in categories_of_all(results):
        row = judged.get(_key(every))
        found = None if row is None else Changed(row, every.ratio)
        if found is not None and found.moved > _LEAST and found.turned not in told:
            told.add(_key(found.row))
            yield found


def _key(row: CategoryRow) -> tuple[str, ...]:
    return (row.device, row.cluster, row.cache, row.category, row.algorithm, row.other, row.face, str(row.threads))
