"""A comparison as lines of text for a terminal, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from harness.compare.comparison import ComparedRow, Comparison
from harness.compare.side import Side
from harness.judge.decision import DECISIONS

MOST_ROWS = 40  # that are shown whatever they say; of more, those that ask for action, and faster ones
_HEAD = ("decision", "device", "CPUs", "cache", "layer", "variant", "base ns", "new ns", "base/new", "95 %", "visible")
_LEFT = 6  # columns of text


def lines(found: Comparison) -> Iterator[str]:
    """A table, then how many rows say what, then remarks."""
    quiet = {"same"} if found.threshold is not None else {"same", "unproven"}
    every = len(found.rows) <= MOST_ROWS
    shown = [row for row in found.rows if every or row.decision not in quiet]
    shown.sort(key=lambda row: (DECISIONS.index(row.decision), row.number))
    if shown:
        yield from _table([_HEAD, *map(_cells, shown)])
    yield summary(found)
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


def _cells(row: ComparedRow) -> Sequence[str]:
    key, difference = row.new.key, row.difference
    times = [f"{side.time.value:.0f}" if side.time else "-" for side in (row.base, row.new)]
    place = (row.decision, key.device, key.cluster, key.cache, key.layer, row.variant_text)
    if difference is None:
        return (*place, *times, "-", row.reason, "")
    ratio = difference.ratio
    again = " (measured again)" if row.confirmed is not None else ""
    return (
        *place,
        *times,
        f"{ratio.value:.3f}",
        f"{ratio.low:.3f} to {ratio.high:.3f}{again}",
        f"{difference.visible():.2%}",
    )


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[n]) for row in rows if n != 9 or row[8] != "-") for n in range(len(_HEAD))]
    for row in rows:
        cells = [cell.ljust(width) if n < _LEFT or n == 9 else cell.rjust(width)
                 for n, (cell, width) in enumerate(zip(row, widths, strict=True))]  # fmt: skip
        yield "  ".join(cells).rstrip()
