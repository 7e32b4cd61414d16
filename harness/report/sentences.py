"""The opening sentences: what each cluster of each device showed, in words that depend on the intervals.

Both faces answer: as published, and each algorithm at its best where the best schedules of both were measured. Where
nothing was measured as published face best answers alone, and where no two can be compared, how fast each was.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.model.emulation import marked
from harness.model.layer import CATEGORY_TITLES
from harness.model.sustained import SUSTAINED
from harness.model.variant import BEST, PUBLISHED
from harness.report.clauses import Clause, answer_cache, clauses_of, is_gain, layers_text, preferred_cache
from harness.report.cut import cut_text
from harness.report.emptiness import emptiness_of
from harness.report.numbers import ratio_text
from harness.report.speeds import Speed, speeds_of
from harness.report.sustained import sustained_words
from harness.results.baseline import BaselineRow
from harness.results.results import Results
from harness.results.run import DeviceData

CACHE_WORDS = {"rotate": "cold weights (rotate)", "hot": "warm caches (hot)"}


@dataclass(frozen=True)
class Sentence:
    """What one cluster of one device showed."""

    device: DeviceData
    cluster: str
    cache: str  # of the answer, or most of it: "rotate" where that was measured, else "hot"; empty without an answer
    clauses: tuple[Clause, ...] = field(default=())
    emptiness: str = ""  # said where there are no clauses
    speeds: tuple[Speed, ...] = field(default=())  # before that
    threads: int = 1  # that share a call
    cut: str = ""  # how much of it was measured, where the run was cut short

    @property
    def place(self) -> str:
        """Device and cluster: ``Pixel 3, CPUs 4-7 (Cortex-A75)``; of several threads how many."""
        if not self.cluster:
            return self.device.model
        core = self.device.core(self.cluster)
        threads = f", {self.threads} threads" if self.threads > 1 else ""
        return f"{self.device.model}, CPUs {self.cluster}" + (f" ({core})" if core else "") + threads

    @property
    def where(self) -> tuple[str, str, int]:
        """Device's folder, cluster and threads: what its rows have in common."""
        return (self.device.name, self.cluster, self.threads)

    @property
    def conditions(self) -> str:
        """Which cache mode and face the numbers are of."""
        words = CACHE_WORDS.get(self.cache, self.cache)
        if not self.clauses:
            return words if self.speeds else ""
        apart = [clause.row for clause in self.clauses if clause.row.cache != self.cache]
        if apart:
            where = " and ".join(CATEGORY_TITLES[row.category] for row in apart)
            words += f", but {CACHE_WORDS.get(apart[0].cache, apart[0].cache)} for {where}"
        return f"{words}, {self._faces}"

    @property
    def _faces(self) -> str:
        best = [clause.row for clause in self.clauses if clause.row.face == BEST]
        if len(best) == len(self.clauses):
            if any(map(is_gain, best)):
                return f"with schedules that the library chose (face {BEST}): no two algorithms can be compared"
            return f"each algorithm with its best schedule (face {BEST}) alone: they were not measured as published"
        words = f"the algorithms as published (face {PUBLISHED})"
        both = sum(clause.best is not None for clause in self.clauses)
        if best:
            titles = " and ".join(CATEGORY_TITLES[row.category] for row in best)
            return f"{words}, but with their best schedules (face {BEST}) alone for {titles}"
        if not both:
            return f"{words} alone: their best schedules were not measured together"
        where = "" if both == len(self.clauses) else ", where both were measured"
        return f"{words} and each with its best schedule (face {BEST}){where}"

    @property
    def text(self) -> str:
        """The whole sentence as plain text."""
        place = marked(self.device.mark, self.place)
        told = [*(clause.text for clause in self.clauses), *(speed.text for speed in self.speeds)]
        text = "; ".join([*told, *filter(None, [self.emptiness])]) + "."
        if self.clauses or self.speeds:
            text += f" [{self.conditions}]"
        return f"{place}: {text}" + (f" Cut short: {self.cut}." if self.cut else "")


def make_sentences(results: Results) -> list[Sentence]:
    """One sentence per device, cluster and number of threads, in the order of the run; devices without any cluster get
    one too.
    """
    sentences: list[Sentence] = []
    for device in results.run.devices:
        clusters = results.run.clusters_of(device)
        if not clusters:
            sentences.append(Sentence(device, "", "", emptiness=emptiness_of([])))
        for cluster in clusters:
            counts = results.threads_of(device.name, cluster)
            sentences += [_sentence(results, device, cluster, threads) for threads in counts]
    return sentences


def _sentence(results: Results, device: DeviceData, cluster: str, threads: int) -> Sentence:
    cut = cut_text(results.run, device, cluster)
    if results.run.mode == SUSTAINED:
        series = results.series_of(device.name, cluster, threads)
        return Sentence(device, cluster, "", emptiness=sustained_words(series), threads=threads, cut=cut)
    means = results.categories_of(device.name, cluster, threads)
    clauses = clauses_of(means)
    if clauses:
        return Sentence(device, cluster, answer_cache(means), tuple(clauses), threads=threads, cut=cut)
    rows = results.rows_of(device.name, cluster, threads)
    cache = preferred_cache(row.key.cache for row in rows if row.gflops and row.status == "ok")
    return Sentence(device, cluster, cache, (), emptiness_of(rows), tuple(speeds_of(rows, cache)), threads, cut)


def baseline_text(row: BaselineRow) -> str:
    """``the published im2col has 0.90x [...] of the best im2col's speed (15 layers), at the least ...``."""
    mean = f"the published im2col has {ratio_text(row.ratio)} of the best im2col's speed ({layers_text(row)})"
    return f"{mean}, at the least {ratio_text(row.worst)} on {row.worst_layer}"
