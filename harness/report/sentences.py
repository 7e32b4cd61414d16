"""The opening sentences: what each cluster of each device showed, in words that depend on the intervals.

Both faces answer: as published, and each algorithm at its best where the best schedules of both were measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from harness.model.layer import CATEGORY_TITLES
from harness.model.variant import BEST
from harness.report.numbers import ratio_text
from harness.results.baseline import BaselineRow
from harness.results.categories import CategoryRow
from harness.results.run import DeviceData, RunData
from harness.stats.interval import LEAST_LAUNCHES

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
    cache: str  # "rotate" where it was measured, else "hot"; empty where nothing was
    face: str = "published"
    clauses: tuple[Clause, ...] = field(default=())
    emptiness: str = ""  # said instead of clauses

    @property
    def place(self) -> str:
        """Device and cluster: ``Pixel 3, CPUs 4-7 (Cortex-A75)``."""
        if not self.cluster:
            return self.device.model
        core = self.device.core(self.cluster)
        return f"{self.device.model}, CPUs {self.cluster}" + (f" ({core})" if core else "")

    @property
    def conditions(self) -> str:
        """Which cache mode and face the numbers are of."""
        if not self.clauses:
            return ""
        words = f"{CACHE_WORDS.get(self.cache, self.cache)}, the algorithms as published (face {self.face})"
        count = sum(clause.best is not None for clause in self.clauses)
        if count == 0:
            return f"{words} alone: their best schedules were not measured together"
        where = "" if count == len(self.clauses) else ", where both were measured"
        return f"{words} and each with its best schedule (face {BEST}){where}"

    @property
    def text(self) -> str:
        """The whole sentence as plain text."""
        mark = "[EMULATED] " if self.device.emulated else ""
        if not self.clauses:
            return f"{mark}{self.place}: {self.emptiness}."
        return f"{mark}{self.place}: " + "; ".join(c.text for c in self.clauses) + f". [{self.conditions}]"


def make_sentences(run: RunData, categories: Sequence[CategoryRow]) -> list[Sentence]:
    """One sentence per device and cluster, in the order of the run; devices without any cluster get one too."""
    sentences: list[Sentence] = []
    for device in run.devices:
        clusters = run.clusters_of(device)
        if not clusters:
            sentences.append(Sentence(device, "", "", emptiness="nothing was measured"))
        sentences += [_sentence(run, device, cluster, categories) for cluster in clusters]
    return sentences


def _sentence(run: RunData, device: DeviceData, cluster: str, categories: Sequence[CategoryRow]) -> Sentence:
    both = [r for r in categories if (r.device, r.cluster) == (device.name, cluster)]
    ours = [r for r in both if r.face == "published"]
    cache = answering_cache(ours)
    found = {(row.category, row.algorithm, row.other): row for row in ours if row.cache == cache}
    best = {(row.category, row.algorithm, row.other): row for row in both if row.cache == cache and row.face == BEST}
    clauses: list[Clause] = []
    for category, questions in QUESTIONS.items():
        for algorithm, other in questions:
            row = found.get((category, algorithm, other))
            if row is not None:
                turned = found.get((category, other, algorithm))
                clause = clause_of(row, turned)
                clauses.append(with_best(clause, best.get((category, clause.row.algorithm, clause.row.other))))
                break
    if clauses:
        return Sentence(device, cluster, cache, clauses=tuple(clauses))
    measured = any(len(stream) > 1 for stream in device.streams_of(cluster))
    emptiness = "no two algorithms can be compared" if measured else "nothing was measured"
    if any(row.face == BEST for row in both):
        emptiness = "face published, the paper's comparison, was not measured"
    return Sentence(device, cluster, cache, emptiness=emptiness)


def answering_cache(rows: Sequence[CategoryRow]) -> str:
    """The cache mode of the answer: rotate, as in the paper, where it answers a question; grouped layers do not."""
    caches = {row.cache for row in rows if (row.algorithm, row.other) in QUESTIONS.get(row.category, ())}
    return "rotate" if "rotate" in caches else min(caches, default="")


def clause_of(row: CategoryRow, turned: CategoryRow | None) -> Clause:
    """Words for one comparison. ``turned`` is the same one the other way round, for a winner in second place."""
    sign = row.ratio.against_one()
    where = CATEGORY_TITLES[row.category]
    layers = _layers(row)
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
