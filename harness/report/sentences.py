"""The opening sentences: what each cluster of each device showed, in words that depend on the intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.report.categories import CategoryRow
from harness.report.numbers import ratio_decimals
from harness.report.run import DeviceData, RunData
from harness.report.shape import CATEGORY_TITLES
from harness.stats.interval import LEAST_LAUNCHES
from harness.store.records import BEST

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

    @property
    def text(self) -> str:
        """The clause with its number: ``indirect is 1.31x [1.28, 1.34] of im2col's speed on larger kernels (...)``."""
        return f"{self.before}{ratio_text(self.row)}{self.after}"


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
        return f"{CACHE_WORDS.get(self.cache, self.cache)}, the algorithms as published (face {self.face})"

    @property
    def text(self) -> str:
        """The whole sentence as plain text."""
        mark = "[EMULATED] " if self.device.emulated else ""
        if not self.clauses:
            return f"{mark}{self.place}: {self.emptiness}."
        return f"{mark}{self.place}: " + "; ".join(c.text for c in self.clauses) + f". [{self.conditions}]"


def ratio_text(row: CategoryRow) -> str:
    """``1.31x [1.28, 1.34]``, or ``1.31x`` where there is no interval."""
    interval = row.ratio
    digits = ratio_decimals(interval.value, interval.low, interval.high)
    if interval.low is None or interval.high is None:
        return f"{interval.value:.{digits}f}x"
    return f"{interval.value:.{digits}f}x [{interval.low:.{digits}f}, {interval.high:.{digits}f}]"


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
    ours = [r for r in categories if (r.device, r.cluster, r.face) == (device.name, cluster, "published")]
    caches = {row.cache for row in ours}
    cache = "rotate" if "rotate" in caches else next(iter(sorted(caches)), "")
    found = {(row.category, row.algorithm, row.other): row for row in ours if row.cache == cache}
    clauses: list[Clause] = []
    for category, questions in QUESTIONS.items():
        for algorithm, other in questions:
            row = found.get((category, algorithm, other))
            if row is not None:
                turned = found.get((category, other, algorithm))
                clauses.append(clause_of(row, turned))
                break
    if clauses:
        return Sentence(device, cluster, cache, clauses=tuple(clauses))
    measured = any(stream.items for stream in device.streams_of(cluster))
    emptiness = "no two algorithms can be compared" if measured else "nothing was measured"
    if any((row.device, row.cluster, row.face) == (device.name, cluster, BEST) for row in categories):
        emptiness = "face published, the paper's comparison, was not measured"
    return Sentence(device, cluster, cache, emptiness=emptiness)


def clause_of(row: CategoryRow, turned: CategoryRow | None) -> Clause:
    """Words for one comparison. ``turned`` is the same one the other way round, for a winner in second place."""
    sign = row.ratio.against_one()
    where = CATEGORY_TITLES[row.category]
    layers = f"{row.layers} layer{'s' if row.layers != 1 else ''}"
    verdict = {1: "faster", -1: "slower", 0: "unclear" if row.ratio.has_interval else "unknown"}[sign]
    winner = {1: row.algorithm, -1: row.other, 0: ""}[sign]
    if verdict == "unknown":
        launches = f"{row.ratio.launches} of {LEAST_LAUNCHES} launches needed"
        return Clause(
            row,
            f"{row.algorithm} measured ",
            f" of {row.other}'s speed on {where} (no interval: {launches}; {layers})",
            verdict,
            winner,
        )
    best = row if sign > 0 else turned
    if row.category == "1x1s1" and winner and best is not None and best.ratio.value >= _WIN:  # who wins is the question
        return Clause(best, f"{winner} wins on {where} by ", f" over {best.other} ({layers})", "faster", winner=winner)
    words = {"faster": "faster", "slower": "slower", "unclear": "no clear difference"}[verdict]
    if winner and best is not None and best.ratio.value < _WIN:
        words = f"{words} by less than {_WIN - 1:.0%}"
    return Clause(
        row, f"{row.algorithm} is ", f" of {row.other}'s speed on {where} ({words}; {layers})", verdict, winner
    )
