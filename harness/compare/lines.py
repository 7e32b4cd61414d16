"""A comparison as lines for a terminal, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.compare.comparison import ComparedRow, Comparison
from harness.compare.side import Side
from harness.judge.decision import DECISIONS
from harness.model.emulation import mark_of, marked
from harness.results.aligned import aligned
from harness.results.table import Table

MOST_ROWS = 40  # that are shown whatever they say; of more, those that ask for action, and faster ones
_HEAD = (
    "decision", "device", "CPUs", "threads", "cache", "layer", "variant", "against", "base ns", "new ns", "base/new",
    "95 %", "visible", "remark",
)  # fmt: skip
_NUMBERS = frozenset({"threads", "base ns", "new ns", "base/new", "visible"})
_LONGEST_REMARK = 100  # compare.csv has the whole reason


def lines(found: Comparison) -> Iterator[str]:
    """A Markdown table, then how many rows say what, then remarks."""
    quiet = {"same"} if found.threshold is not None else {"same", "unproven"}
    every = len(found.rows) <= MOST_ROWS
    shown = [row for row in found.rows if every or row.decision not in quiet]
    shown.sort(key=lambda row: (DECISIONS.index(row.decision), row.number))
    cells = [_cells(row) for row in shown]
    plain = {"threads": "1", "against": "", "remark": ""}
    head = [title for title in _HEAD if title not in plain or any(row[title] != plain[title] for row in cells)]
    if cells:
        yield from aligned(Table("compare", head, cells, _NUMBERS))
        yield ""
    yield summary(found)
    if len(shown) < len(found.rows):
        left_out = " or ".join(sorted(quiet))
        yield f"{len(found.rows) - len(shown)} rows that are {left_out} are not shown here: compare.csv has them"
    yield from found.remarks


def summary(found: Comparison) -> str:
    """One line: ``1 slower, 2 faster, 9 unproven: 20260101-... against 20260102-...``."""
    counts = ", ".join(f"{count} {decision}" for decision, count in found.counts.items() if count)
    margin = "" if found.threshold is None else f", threshold {100 * found.threshold:.6g} %"
    run = f", run {found.new.run_name}" if found.is_within else ""
    return f"{counts}: {found.new.name} against {found.base.name}{run}{margin}"


def value(found: Comparison) -> dict[str, Any]:
    """The same for --json: numbers as numbers, null for what is unknown."""
    return {
        "base": _side(found.base),
        "new": _side(found.new),
        "exit_code": int(found.code),
        "threshold": found.threshold,
        "decisions": found.counts,
        "suspects": len(found.suspects),
        "confirmed": sum(bool(row.confirmed) for row in found.suspects),
        "allowed": [{"name": each.name, "what": each.what} for each in found.allowed],
        "remarks": list(found.remarks),
        "rows": [_row(row) for row in found.rows],
    }


def _side(side: Side) -> dict[str, Any]:
    return {"path": str(side.path), "run": side.run_name, "name": side.name, "builds": side.builds}


def _row(row: ComparedRow) -> dict[str, Any]:
    texts = row.columns
    difference = row.difference
    ratio = difference.ratio if difference else None
    return {
        **{key: texts[key] for key in ("device", "cluster", "cache", "layer", "variant", "base", "new", "decision")},
        "threads": row.new.key.threads,
        "ratio": ratio.value if ratio else None,
        "low": ratio.low if ratio else None,
        "high": ratio.high if ratio else None,
        "visible": difference.visible() if difference else None,
        "p": row.p,
        "p_holm": row.p_holm,
        "base_ns": row.base.time.value if row.base.time else None,
        "new_ns": row.new.time.value if row.new.time else None,
        "floor": row.floor,
        "launches": list(difference.launches) if difference else None,
        "how": texts["how"] or None,
        "reason": row.reason or None,
        "emulated": row.new.emulated,
        "base_name": row.names[0],
        "new_name": row.names[1],
        "confirmed": row.confirmed,
    }


def _cells(row: ComparedRow) -> dict[str, str]:
    """Texts by the titles of the table's columns."""
    key, difference = row.new.key, row.difference
    ratio = difference.ratio if difference else None
    times = [f"{side.time.value:.0f}" if side.time else "" for side in (row.base, row.new)]
    return {
        "decision": row.decision,
        "device": marked(mark_of(row.new.emulated), key.device),
        "CPUs": key.cluster,
        "threads": str(key.threads),
        "cache": key.cache,
        "layer": key.layer,
        "variant": row.variant,
        "against": row.names[0] if row.is_one_of_several else "",
        "base ns": times[0],
        "new ns": times[1],
        "base/new": f"{ratio.value:.3f}" if ratio else "",
        "95 %": f"{ratio.low:.3f} to {ratio.high:.3f}" if ratio else "",
        "visible": f"{difference.visible():.2%}" if difference else "",
        "remark": row.reason if len(row.reason) <= _LONGEST_REMARK else f"{row.reason[: _LONGEST_REMARK - 3]}...",
    }
