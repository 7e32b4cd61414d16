"""Clauses of an answer: words around one number of categories.csv, which depend on its interval."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from harness.model.launches import LEAST_LAUNCHES
from harness.model.layer import CATEGORY_TITLES
from harness.model.variant import AUTO, BEST, PUBLISHED
from harness.report.numbers import ratio_text
from harness.results.baseline import BaselineRow
from harness.results.categories import CategoryRow
from harness.results.rows import PUBLISHED_FORM

# The comparison that answers a category's question; further ones where that was not measured.
QUESTIONS = {
    "larger": (("indirect", "im2col"),),
    "1x1s2": (("indirect", "im2col"),),
    "1x1s1": (("direct", "indirect"), ("indirect", "im2col"), ("direct", "im2col")),
}
# Of face best, where no two algorithms can be compared: what the library's choice gains, and what a schedule does.
_GAINS = (
    (AUTO, "im2col"),
    (AUTO, "indirect"),
    (AUTO, "direct"),
    *((AUTO, f"{PUBLISHED_FORM}{name}") for name in ("indirect", "im2col", "direct")),
    *((name, f"{PUBLISHED_FORM}{name}") for name in ("indirect", "im2col", "direct")),
)
_WIN = 1.02  # less is a difference, but nobody's win
_WORDS = {"faster": "faster", "slower": "slower", "unclear": "no clear difference"}


@dataclass(frozen=True)
class Clause:
    """One category's answer: words around one number of categories.csv."""

    row: CategoryRow
    before: str
    after: str
    verdict: str  # "faster", "slower", "unclear" (the interval holds 1) or "unknown" (no interval): row.algorithm's
    winner: str  # algorithm, auto, best or published; empty where none is shown
    best: Clause | None = None  # the same two, each at its best

    @property
    def text(self) -> str:
        """The clause with its number: ``indirect is 1.31x [1.28, 1.34] of im2col's speed on larger kernels (...)``.

        Where both faces were measured: ``as published, indirect is ... (...); each at its best, 1.12x [1.11, 1.14]
        (...)``.
        """
        return f"{self.before}{ratio_text(self.row.ratio)}{self.after}" + (self.best.text if self.best else "")


def clauses_of(means: Sequence[CategoryRow]) -> list[Clause]:
    """The answer to each category's question; ``means`` are those of one cluster and number of threads.

    As published where that was measured, and each at its best beside it; else the latter alone; else what face best
    tells of ``auto`` and of an algorithm's own published form.
    """
    found = {(row.cache, row.face, row.category, row.algorithm, row.other): row for row in means}
    published, best = answering_caches(means), answering_caches(means, BEST)
    cache = answer_cache(means)
    clauses: list[Clause] = []
    for category, questions in QUESTIONS.items():
        face, caches = (PUBLISHED, published) if category in published else (BEST, best)
        for algorithm, other in questions if category in caches else ():
            row = found.get((caches[category], face, category, algorithm, other))
            if row is not None:
                turned = found.get((row.cache, face, category, other, algorithm))
                clause = clause_of(row, turned, apart=row.cache != cache)
                two = (clause.row.algorithm, clause.row.other)
                both = found.get((row.cache, BEST, category, *two)) if face == PUBLISHED else None
                clauses.append(with_best(clause, both))
                break
    return clauses or list(_gains(means))


def _gains(means: Sequence[CategoryRow]) -> Iterator[Clause]:
    cache = answer_cache(means)
    alike = {(row.category, row.algorithm, row.other): row for row in means if (row.cache, row.face) == (cache, BEST)}
    for category in QUESTIONS:
        row = next((alike[category, *gain] for gain in _GAINS if (category, *gain) in alike), None)
        if row is not None:
            yield clause_of(row, None)


def answer_cache(means: Iterable[CategoryRow]) -> str:
    """The cache mode of most of an answer from these means; empty where they answer nothing."""
    means = list(means)
    for caches in (answering_caches(means), answering_caches(means, BEST)):
        if caches:
            return preferred_cache(caches.values())
    return preferred_cache(row.cache for row in means if row.category in QUESTIONS and is_gain(row))


def is_gain(row: CategoryRow) -> bool:
    """Whether it tells what a choice of the library gains."""
    return row.face == BEST and (row.algorithm, row.other) in _GAINS


def preferred_cache(caches: Iterable[str]) -> str:
    """The cache mode to answer from: rotate, as in the paper, where it is among them; empty for none."""
    measured = set(caches)
    return "rotate" if "rotate" in measured else min(measured, default="")


def answering_caches(means: Iterable[CategoryRow], face: str = PUBLISHED) -> Mapping[str, str]:
    """The cache mode that answers each category's question, in the order of QUESTIONS; ``means`` of one cluster.

    Categories without a number are left out, and grouped layers, which are in no answer.
    """
    measured: dict[str, set[str]] = {category: set() for category in QUESTIONS}
    for row in means:
        if row.face == face and (row.algorithm, row.other) in QUESTIONS.get(row.category, ()):
            measured[row.category].add(row.cache)
    return {category: preferred_cache(caches) for category, caches in measured.items() if caches}


def clause_of(row: CategoryRow, turned: CategoryRow | None, *, apart: bool = False) -> Clause:
    """Words for one comparison. ``turned`` is the same one the other way round, for a winner in second place.

    ``apart``: it is of another cache mode than the answer's other numbers, and says so.
    """
    sign = row.ratio.against_one()
    where = CATEGORY_TITLES[row.category]
    layers = layers_text(row) + (f"; in {row.cache}" if apart else "")
    verdict, winner = _verdict(row)
    ours, other = _names(row)
    lead = "each at its best, " if row.face == BEST and AUTO not in ours and not _is_own_form(row) else ""
    if verdict == "unknown":
        why = f" of {other}'s speed on {where} ({_no_interval(row)}; {layers})"
        return Clause(row, f"{lead}{ours} measured ", why, verdict, winner)
    best = row if sign > 0 else turned
    wins = row.category == "1x1s1" and winner and best is not None and best.ratio.value >= _WIN
    if wins and best is not None and not is_gain(row):  # who wins is the question
        after = f" over {best.other} ({layers})"
        return Clause(best, f"{lead}{winner} wins on {where} by ", after, "faster", winner=winner)
    words = _WORDS[verdict]
    if winner and max(row.ratio.value, 1 / row.ratio.value) < _WIN:
        words = f"{words} by less than {_WIN - 1:.0%}"
    return Clause(row, f"{lead}{ours} is ", f" of {other}'s speed on {where} ({words}; {layers})", verdict, winner)


def with_best(clause: Clause, best: CategoryRow | None) -> Clause:
    """The clause that says both; as it is where the best schedules of both were not measured."""
    if best is None:
        return clause
    verdict, winner = _verdict(best)
    words = _no_interval(best) if verdict == "unknown" else _WORDS[verdict]
    if winner and max(best.ratio.value, 1 / best.ratio.value) < _WIN:
        words = f"{words} by less than {_WIN - 1:.0%}"
    layers = "" if best.layers == clause.row.layers else f"; {layers_text(best)}"
    too = Clause(best, "; each at its best, ", f" ({words}{layers})", verdict, winner)
    return replace(clause, before=f"as published, {clause.before}", best=too)


def clause_beside(row: CategoryRow) -> Clause:
    """Ours beside a worker of somebody else, which is ``row.other``: ``auto is 1.21x [...] of its speed on ...``."""
    after = f" of its speed on {CATEGORY_TITLES[row.category]} ({layers_text(row)})"
    verdict, winner = _verdict(row)
    winner = "worker" if winner == row.other else winner
    return Clause(row, f"{row.algorithm} is ", after, verdict, winner)


def _names(row: CategoryRow) -> tuple[str, str]:
    """Both sides in words: ``auto`` and ``the best im2col``; ``the best indirect`` and ``the published indirect``."""
    if not is_gain(row):
        return row.algorithm, row.other
    ours = row.algorithm if row.algorithm == AUTO else f"the best {row.algorithm}"
    form = row.other.removeprefix(PUBLISHED_FORM)
    return ours, f"the {'best' if form == row.other else 'published'} {form}"


def _is_own_form(row: CategoryRow) -> bool:
    return row.other == f"{PUBLISHED_FORM}{row.algorithm}"


def _verdict(row: CategoryRow) -> tuple[str, str]:
    """The verdict on ``row.algorithm`` and the winner's name."""
    sign = row.ratio.against_one()
    verdict = {1: "faster", -1: "slower", 0: "unclear" if row.ratio.has_interval else "unknown"}[sign]
    ours = "best" if is_gain(row) and _is_own_form(row) else row.algorithm
    other = "published" if row.other.startswith(PUBLISHED_FORM) else row.other
    return verdict, {1: ours, -1: other, 0: ""}[sign]


def layers_text(row: CategoryRow | BaselineRow) -> str:
    """``15 layers``."""
    return f"{row.layers} layer{'s' if row.layers != 1 else ''}"


def _no_interval(row: CategoryRow) -> str:
    return f"no interval: {row.ratio.launches} of {LEAST_LAUNCHES} launches needed"
