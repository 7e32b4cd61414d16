"""The opening sentences: what each cluster of each device showed, in words that depend on the intervals.

Both faces answer: as published, and each algorithm at its best where the best schedules of both were measured.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from harness.model.launches import LEAST_LAUNCHES
from harness.model.layer import CATEGORY_TITLES
from harness.model.sustained import SUSTAINED
from harness.model.variant import BEST
from harness.report.emptiness import emptiness_of
from harness.report.numbers import ratio_text
from harness.report.sustained import sustained_words
from harness.results.baseline import BaselineRow
from harness.results.categories import CategoryRow
from harness.results.results import Results
from harness.results.run import DeviceData

# The comparison that answers a category's question; further ones where that was not measured.
QUESTIONS = {
    "larger": (("indirect", "im2col"),),
    "1x1s2": (("indirect", "im2col"),),
    "1x1s1": (("direct", "indirect"), ("indirect", "im2col"), ("direct", "im2col")),
}
_WIN = 1.02  # less is a difference, but nobody's win
CACHE_WORDS = {"rotate": "cold weights (rotate)", "hot": "warm caches (hot)"}


@dataclass(frozen=True)
class Clause:
    """One category's answer: words around one number of categories.csv."""

    row: CategoryRow
    before: str
    after: str
    verdict: str  # "faster", "slower", "unclear" (the interval holds 1) or "unknown" (no interval): row.algorithm's
    winner: str  # algorithm; empty where none is shown
    best: Clause | None = None  # the same two, each at its best

    @property
    def text(self) -> str:
        """The clause with its number: ``indirect is 1.31x [1.28, 1.34] of im2col's speed on larger kernels (...)``.

        Where both faces were measured: ``as published, indirect is ... (...); each at its best, 1.12x [1.11, 1.14]
        (...)``.
        """
        return f"{self.before}{ratio_text(self.row.ratio)}{self.after}" + (self.best.text if self.best else "")


@dataclass(frozen=True)
class Sentence:
    """What one cluster of one device showed."""

    device: DeviceData
    cluster: str
    cache: str  # of the answer, or most of it: "rotate" where that was measured, else "hot"; empty without an answer
    face: str = "published"
    clauses: tuple[Clause, ...] = field(default=())
    emptiness: str = ""  # said instead of clauses
    threads: int = 1  # that share a call

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
        if not self.clauses:
            return ""
        words = CACHE_WORDS.get(self.cache, self.cache)
        apart = [clause.row for clause in self.clauses if clause.row.cache != self.cache]
        if apart:
            where = " and ".join(CATEGORY_TITLES[row.category] for row in apart)
            words += f", but {CACHE_WORDS.get(apart[0].cache, apart[0].cache)} for {where}"
        words += f", the algorithms as published (face {self.face})"
        count = sum(clause.best is not None for clause in self.clauses)
        if count == 0:
            return f"{words} alone: their best schedules were not measured together"
        where = "" if count == len(self.clauses) else ", where both were measured"
        return f"{words} and each with its best schedule (face {BEST}){where}"

    @property
    def text(self) -> str:
        """The whole sentence as plain text."""
        place = marked(self.device.mark, self.place)
        if not self.clauses:
            return f"{place}: {self.emptiness}."
        return f"{place}: " + "; ".join(c.text for c in self.clauses) + f". [{self.conditions}]"


def marked(mark: str, text: str) -> str:
    """A line with the mark of its device before it, where it has one: ``[EMULATED] Pixel 3``."""
    return f"[{mark}] {text}" if mark else text


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
    if results.run.mode == SUSTAINED:
        series = results.series_of(device.name, cluster, threads)
        return Sentence(device, cluster, "", emptiness=sustained_words(series), threads=threads)
    means = results.categories_of(device.name, cluster, threads)
    caches = answering_caches(means)
    if not caches:
        emptiness = emptiness_of(results.rows_of(device.name, cluster, threads))
        return Sentence(device, cluster, "", emptiness=emptiness, threads=threads)
    cache = preferred_cache(caches.values())
    found = {(row.cache, row.face, row.category, row.algorithm, row.other): row for row in means}
    clauses: list[Clause] = []
    for category, answering in caches.items():
        for algorithm, other in QUESTIONS[category]:
            row = found.get((answering, "published", category, algorithm, other))
            if row is not None:
                turned = found.get((answering, "published", category, other, algorithm))
                clause = clause_of(row, turned, apart=answering != cache)
                best = found.get((answering, BEST, category, clause.row.algorithm, clause.row.other))
                clauses.append(with_best(clause, best))
                break
    return Sentence(device, cluster, cache, clauses=tuple(clauses), threads=threads)


def preferred_cache(caches: Iterable[str]) -> str:
    """The cache mode to answer from: rotate, as in the paper, where it is among them; empty for none."""
    measured = set(caches)
    return "rotate" if "rotate" in measured else min(measured, default="")


def answering_caches(means: Iterable[CategoryRow]) -> dict[str, str]:
    """The cache mode that answers each category's question, in the order of QUESTIONS; ``means`` of one cluster.

    Categories without a number are left out, and grouped layers, which are in no answer.
    """
    measured: dict[str, set[str]] = {category: set() for category in QUESTIONS}
    for row in means:
        if row.face == "published" and (row.algorithm, row.other) in QUESTIONS.get(row.category, ()):
            measured[row.category].add(row.cache)
    return {category: preferred_cache(caches) for category, caches in measured.items() if caches}


def clause_of(row: CategoryRow, turned: CategoryRow | None, *, apart: bool = False) -> Clause:
    """Words for one comparison. ``turned`` is the same one the other way round, for a winner in second place.

    ``apart``: it is of another cache mode than the answer's other numbers, and says so.
    """
    sign = row.ratio.against_one()
    where = CATEGORY_TITLES[row.category]
    layers = _layers(row) + (f"; in {row.cache}" if apart else "")
    verdict, winner = _verdict(row)
    if verdict == "unknown":
        return Clause(
            row,
            f"{row.algorithm} measured ",
            f" of {row.other}'s speed on {where} ({_no_interval(row)}; {layers})",
            verdict,
            winner,
        )
    best = row if sign > 0 else turned
    if row.category == "1x1s1" and winner and best is not None and best.ratio.value >= _WIN:  # who wins is the question
        return Clause(best, f"{winner} wins on {where} by ", f" over {best.other} ({layers})", "faster", winner=winner)
    words = _WORDS[verdict]
    if winner and best is not None and best.ratio.value < _WIN:
        words = f"{words} by less than {_WIN - 1:.0%}"
    return Clause(
        row, f"{row.algorithm} is ", f" of {row.other}'s speed on {where} ({words}; {layers})", verdict, winner
    )


def with_best(clause: Clause, best: CategoryRow | None) -> Clause:
    """The clause that says both; as it is where the best schedules of both were not measured."""
    if best is None:
        return clause
    verdict, winner = _verdict(best)
    words = _no_interval(best) if verdict == "unknown" else _WORDS[verdict]
    if winner and max(best.ratio.value, 1 / best.ratio.value) < _WIN:
        words = f"{words} by less than {_WIN - 1:.0%}"
    layers = "" if best.layers == clause.row.layers else f"; {_layers(best)}"
    too = Clause(best, "; each at its best, ", f" ({words}{layers})", verdict, winner)
    return replace(clause, before=f"as published, {clause.before}", best=too)


_WORDS = {"faster": "faster", "slower": "slower", "unclear": "no clear difference"}


def _verdict(row: CategoryRow) -> tuple[str, str]:
    """The verdict on ``row.algorithm`` and the winner's name."""
    sign = row.ratio.against_one()
    verdict = {1: "faster", -1: "slower", 0: "unclear" if row.ratio.has_interval else "unknown"}[sign]
    return verdict, {1: row.algorithm, -1: row.other, 0: ""}[sign]


def _layers(row: CategoryRow | BaselineRow) -> str:
    return f"{row.layers} layer{'s' if row.layers != 1 else ''}"


def _no_interval(row: CategoryRow) -> str:
    return f"no interval: {row.ratio.launches} of {LEAST_LAUNCHES} launches needed"


def baseline_text(row: BaselineRow) -> str:
    """``the published im2col has 0.90x [...] of the best im2col's speed (15 layers), at the least ...``."""
    mean = f"the published im2col has {ratio_text(row.ratio)} of the best im2col's speed ({_layers(row)})"
    return f"{mean}, at the least {ratio_text(row.worst)} on {row.worst_layer}"
