"""Why a cluster has no answer, said in its place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from harness.results.rows import Row, algorithm_order

_UNMEASURED = ("wrong", "error", "skip", "missing")


def emptiness_of(rows: Sequence[Row]) -> str:
    """What keeps these rows of one cluster from answering a question: ``only indirect was measured, so ...``."""
    if any(row.is_foreign and row.has_samples for row in rows) and all(row.is_foreign for row in rows):
        return "nothing of ours was measured beside it"
    rows = [row for row in rows if not row.is_foreign]
    measured = [row for row in rows if row.has_samples]
    if not measured:
        counts = Counter(row.status for row in rows)
        told = [f"{counts[status]} {status}" for status in _UNMEASURED if counts[status]]
        reasons = Counter(row.reason for row in rows if row.reason)
        why = f"; most of them: {reasons.most_common(1)[0][0]}" if reasons else ""
        return "nothing was measured" + (f" (rows: {', '.join(told)}{why})" if told else "")
    published = [row for row in measured if not row.is_best]
    if not published:
        names = _listed({row.role for row in measured})
        return f"only {names} at its best was measured: face published, the paper's comparison, was not measured"
    how, nothing = "", "so no two algorithms can be compared"
    if len(published) < len(measured):
        how, nothing = " as published", "so the paper's comparison cannot be made"
    algorithms = {row.algorithm for row in published}
    names = _listed(algorithms)
    if len([name for name in algorithms if name != "naive"]) < 2:  # naive answers no question
        return f"only {names} {'was' if len(algorithms) == 1 else 'were'} measured{how}, {nothing}"
    categories = {row.category for row in published}
    if categories <= {"", "grouped"} and categories != {""}:
        return f"{names} were measured{how} on grouped layers alone, which are in no answer; the tables have them"
    but = "no two of them on one layer in the same rounds, with the same schedule and without an error"
    if categories == {""}:
        but = "the run directory does not tell the layers' shapes"
    elif unjudged := sum(row.status == "unjudged" for row in published):
        but = f"{unjudged} of {len(published)} rows have too few valid samples or pairs"
    return f"{names} were measured{how}, but {but}, {nothing}"


def _listed(algorithms: Collection[str]) -> str:
    """``indirect, im2col and direct``."""
    names = sorted(algorithms, key=algorithm_order)
    return ", ".join(names[:-1]) + " and " * (len(names) > 1) + names[-1]
