"""The heat table: a line for each layer, a column for each cluster, and in the cell one number and its colour.

All cells of a line show the same comparison: the one that answers the category's question, of those that any cluster
measured. Where none was measured they show how fast the fastest variant is. What failed is a cell with its status.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.model.layer import CATEGORIES, Layer
from harness.model.variant import AUTO, BEST, PUBLISHED
from harness.report.marks import AnyMarked, winner_of
from harness.report.numbers import rounded, share_text
from harness.report.sentences import Sentence
from harness.results.results import Results
from harness.results.rows import Row
from harness.results.workers import WorkerRow
from harness.stats.interval import Interval

# What answers a category on one layer, the first that was measured: algorithm, other.
_QUESTIONS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "1x1s1": (("indirect", "direct"), ("indirect", "im2col"), ("direct", "im2col")),
    "": (("indirect", "im2col"), ("indirect", "direct"), ("direct", "im2col")),
}
_CHOSEN = ((AUTO, "im2col"), (AUTO, "direct"))
_STEPS = (math.log(1.05), math.log(1.2))  # from one depth of colour to the next
_FAILED = ("wrong", "error", "unjudged", "missing")  # the first of these that a layer has is told
SPEED = "GFLOP/s of the fastest"

Pair = tuple[str, str]


@dataclass(frozen=True)
class Cell:
    """One layer on one cluster. ``column``: of the table that ``row`` stands in; empty where there is no number."""

    tone: str  # class of its colour: p1 to p3 faster, n1 to n3 slower, z no clear difference, q no interval, s, bad
    words: str  # for hover, focus and screen readers
    text: str = ""  # of the number; else what stands there
    marked: AnyMarked | None = None
    column: str = ""
    row: Row | None = None  # that it is about, and what it is compared with
    partner: Row | None = None


@dataclass(frozen=True)
class Line:
    """One layer."""

    layer: str
    shape: Layer | None
    category: str
    what: str  # that its cells show: ``indirect / im2col``
    cells: list[Cell]


@dataclass(frozen=True)
class Heat:
    """Of one face, in each cluster's answering cache mode."""

    face: str
    columns: list[Sentence]
    lines: list[Line]

    @property
    def size(self) -> int:
        """How many cells there are."""
        return len(self.columns) * len(self.lines)


def make_heats(results: Results, sentences: Sequence[Sentence]) -> list[Heat]:
    """As published and each at its best, as far as there is any ratio; else beside each worker; else the speeds."""
    columns = [sentence for sentence in sentences if sentence.cluster]
    places = [_by_layer(results, sentence) for sentence in columns]
    workers = dict.fromkeys(row.role for place in places for rows in place.values() for row in rows if row.is_foreign)
    for faces in ((PUBLISHED, BEST), tuple(workers), ("",)):
        heats = [_heat(results, columns, places, face) for face in faces]
        found = [heat for heat in heats if heat and any(cell.column for line in heat.lines for cell in line.cells)]
        if found:
            return found
    return []


def _by_layer(results: Results, sentence: Sentence) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in results.rows_of(*sentence.where):
        if row.key.cache in (sentence.cache, "") and not row.is_copy:
            found.setdefault(row.key.layer, []).append(row)
    return found


def _heat(
    results: Results, columns: Sequence[Sentence], places: Sequence[Mapping[str, Sequence[Row]]], face: str
) -> Heat | None:
    beside = {(id(each.row), each.partner.role): each for each in results.workers if not each.row.is_foreign}
    names = list(dict.fromkeys([*results.run.layers, *(name for place in places for name in place)]))
    lines: list[Line] = []
    for name in names:
        rows = [[row for row in place.get(name, ()) if _is_of(row, face)] for place in places]
        known = [row for every in rows for row in every]
        category = next((row.category for row in known if row.category), "")
        if not known:
            continue
        pair = _asked(known, category, face, beside)
        cells = [_cell(every, pair, face, beside) for every in rows]
        what = SPEED if pair is None else " / ".join(pair)
        lines.append(Line(name, results.run.layers.get(name), category, what, cells))
    lines.sort(key=lambda line: CATEGORIES.index(line.category) if line.category in CATEGORIES else len(CATEGORIES))
    return Heat(face, list(columns), lines) if lines else None


def _is_of(row: Row, face: str) -> bool:
    if face in (PUBLISHED, BEST):
        return row.key.face == face and not row.is_foreign
    return True


def _asked(rows: Sequence[Row], category: str, face: str, beside: Mapping[tuple[int, str], WorkerRow]) -> Pair | None:
    """The comparison that a layer's cells show; None: speeds."""
    if face == "":
        return None
    if face not in (PUBLISHED, BEST):
        ours = Counter(row.role for row in rows if (id(row), face) in beside)
        return next(((name, face) for name in (AUTO, "indirect", "im2col", "direct") if ours[name]), ("indirect", face))
    questions = _QUESTIONS.get(category, _QUESTIONS[""])
    for algorithm, other in (*questions, *(_CHOSEN if face == BEST else ())):
        if any(row.role == algorithm and row.ratio(other) for row in rows):
            return algorithm, other
    return questions[0]


def _cell(rows: Sequence[Row], pair: Pair | None, face: str, beside: Mapping[tuple[int, str], WorkerRow]) -> Cell:
    if face not in (PUBLISHED, BEST, ""):
        for row in rows:
            if pair and row.role == pair[0] and (found := beside.get((id(row), face))):
                return _ratio_cell(found.ratio, found, "ratio", row, found.partner, pair)
    elif pair:
        own = [row for row in rows if row.role == pair[0] and row.ratio(pair[1])]
        if own:
            row = min(own, key=lambda each: (not each.key.what.is_default, each.number))
            ratio = row.ratio(pair[1])
            if ratio is not None:
                return _ratio_cell(ratio, row, f"ratio_{pair[1]}", row, row.partners.get(pair[1]), pair)
    elif face == "" and (measured := [row for row in rows if row.gflops and row.status == "ok"]):
        row = max(measured, key=lambda each: each.gflops or 0.0)
        share = f", {share_text(row.peak_share)} of the peak" if row.peak_share else ""
        words = f"{row.key.variant}: {rounded(row.gflops or 0.0)} GFLOP/s{share}"
        return Cell("s", words, rounded(row.gflops or 0.0), row, "gflops", row)
    return _without(rows, pair)


def _ratio_cell(ratio: Interval, marked: AnyMarked, column: str, row: Row, partner: Row | None, pair: Pair) -> Cell:
    words = "; ".join(_words(ratio, row, partner, pair))
    return Cell(_tone(ratio), words, f"{ratio.value:.2f}", marked, column, row, partner)


def _words(ratio: Interval, row: Row, partner: Row | None, pair: Pair) -> Iterator[str]:
    """``1.312x [1.280, 1.344], sees 2.0 %; indirect is faster; neon_8x8; 24 valid samples of 24``."""
    if ratio.low is None or ratio.high is None:
        yield f"{ratio.value:.3f}x, no interval ({ratio.launches} launches)"
    else:
        seen = f", sees {share_text(ratio.visible)}" if ratio.visible is not None else ""
        yield f"{ratio.value:.3f}x [{ratio.low:.3f}, {ratio.high:.3f}]{seen}"
        winner = winner_of(ratio, *pair)
        yield f"{winner} is faster" if winner else "no clear difference"
    ran = dict.fromkeys(each.schedule or each.key.variant for each in (row, partner) if each)
    yield " against ".join(ran)
    yield f"{len(row.observations)} valid samples of {len(row.observations) + len(row.tainted)}"


def _tone(ratio: Interval) -> str:
    if not ratio.has_interval:
        return "q"
    sign = ratio.against_one()
    if sign == 0:
        return "z"
    depth = 1 + sum(abs(math.log(ratio.value)) >= step for step in _STEPS)
    return f"{'p' if sign > 0 else 'n'}{depth}"


def _without(rows: Sequence[Row], pair: Pair | None) -> Cell:
    """What stands where there is no number: the first failure of the rows that it would be made of."""
    wanted = [row for row in rows if pair is None or row.role in pair or row.algorithm in pair] or list(rows)
    for status in _FAILED:
        failed = next((row for row in wanted if row.status == status), None)
        if failed is not None:
            return Cell("bad", f"{failed.key.variant}: {failed.reason or status}", status, row=failed)
    skipped = next((row for row in wanted if row.status == "skip"), None)
    if skipped is not None:
        return Cell("no", f"{skipped.key.variant}: {skipped.reason}", "skip")
    return Cell("no", "not measured in the same rounds" if rows else "not measured", "–")
