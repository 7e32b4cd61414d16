"""The tables as text, Markdown and JSON."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.peers.findings import Findings, is_ours
from benchmarks.peers.summary import Comparison, Mean, Row
from harness.stats.interval import Interval


@dataclass(frozen=True)
class Table:
    """A heading, names of columns, rows of text; cells by (row, column) that deserve a mark."""

    title: str
    head: list[str]
    rows: list[list[str]]
    marks: frozenset[tuple[int, int]] = frozenset()


def shown(value: Interval | None) -> str:
    """A ratio with its interval."""
    if value is None:
        return ""
    if value.low is None or value.high is None:
        return f"{value.value:.3f} (no interval)"
    return f"{value.value:.3f} [{value.low:.3f}, {value.high:.3f}]"


def tables(
    findings: Findings, rows: Sequence[Row], answers: dict[str, list[Comparison]], means: Sequence[Mean]
) -> list[Table]:
    """All tables, in the order in which they are shown."""
    found = []
    names = [layer.name for layer in findings.layers]
    for threads in sorted({row.threads for row in rows}):
        here = [row for row in rows if row.threads == threads]
        found.append(_percents(f"{threads} thread(s)", names, grouped(here)))
    for what, each in answers.items():
        if each:
            found.append(_answers(what, each))
    found.append(_means(means))
    modes = [[str(row.threads), row.layer, row.variant, row.mode] for row in rows if row.mode and _tells(row)]
    found.append(
        Table("How each ran (the fastest of its modes; what auto chose)", ["threads", "layer", "what", "mode"], modes)
    )
    empties = [[str(t), name, f"{findings.empty(t, name) / 1e3:.2f}"] for t, name in findings.empty_ns]
    found.append(Table("Empty call, subtracted from the peer's times", ["threads", "peer", "us"], sorted(empties)))
    versions = [[peer, f"{part} {value}"] for peer, v in findings.versions.items() for part, value in v.items()]
    found.append(Table("Versions", ["peer", "version"], sorted(versions)))
    skipped = [[str(t), layer or "all", name, why] for (t, layer, name), why in sorted(findings.skipped.items())]
    found.append(Table("Not measured", ["threads", "layer", "what", "why"], skipped))
    for threads in sorted({row.threads for row in rows}):
        here = [row for row in rows if row.threads == threads and is_ours(row.variant)]
        found.append(_percents(f"every variant of ours, {threads} thread(s)", names, here))
    return [table for table in found if table.rows]


def grouped(rows: Sequence[Row]) -> list[Row]:
    """The peers, ours auto, and of our other variants the fastest of each group (as published, with options, AVX2)."""
    best: dict[tuple[str, str], Row] = {}
    for row in rows:
        for name in _groups(row.variant):
            seen = best.get((row.layer, name))
            if seen is None or row.percent > seen.percent:
                best[row.layer, name] = dataclasses.replace(row, variant=name)
    return list(best.values())


def _groups(variant: str) -> list[str]:
    if not is_ours(variant) or "/" not in variant:
        return [variant]
    algorithm, schedule = variant.split("/", 1)
    face = f"{algorithm} best" if "+" in schedule or schedule == "best" else algorithm
    return [face, *(["ours avx2"] if schedule.startswith("avx2_") else [])]


def _tells(row: Row) -> bool:
    """Whether the mode says more than the variant's name."""
    return not is_ours(row.variant) or row.mode not in row.variant


def _percents(what: str, layers: Sequence[str], rows: Sequence[Row]) -> Table:
    variants = sorted({row.variant for row in rows}, key=lambda name: (is_ours(name), name))
    by = {(row.layer, row.variant): row for row in rows}
    body: list[list[str]] = []
    marks: set[tuple[int, int]] = set()
    for name in layers:
        here = [by.get((name, variant)) for variant in variants]
        if not any(here):
            continue
        plain = [row.percent for row in here if row and "winograd" not in row.variant]
        for column, row in enumerate(here):
            if row and plain and row.percent == max(plain):
                marks.add((len(body), column + 1))
        body.append([name, *("" if r is None else f"{r.percent:.1f}{' !' * r.misconfigured}" for r in here)])
    title = f"% of FMA peak by nominal FLOP, net of empty calls, {what}; ! = misconfigured"
    return Table(title, ["layer", *variants], body, frozenset(marks))


def _answers(what: str, each: Sequence[Comparison]) -> Table:
    head = ["layer", "threads", "ours", "other", "ratio [95 %]", "as a pair", "verdict"]
    body = [[a.layer, str(a.threads), a.ours, a.other, shown(a.ratio), shown(a.again), a.verdict] for a in each]
    return Table(f"{what}: the other's time over ours", head, body)


def _means(means: Sequence[Mean]) -> Table:
    head = ["ratio", "threads", "category", "geometric mean [95 %]", "layers", "left out"]
    body = [[m.what, str(m.threads), m.category, shown(m.ratio), str(m.layers), str(m.left_out)] for m in means]
    return Table("Geometric means (left out: the peer is misconfigured there)", head, body)


def to_markdown(title: str, notes: Sequence[str], every: Sequence[Table]) -> str:
    """GitHub's tables."""

    def cell(text: str) -> str:
        return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")

    parts = [f"# {title}", *(f"- {cell(note)}" for note in notes)]
    for table in every:
        lines = [f"\n## {cell(table.title)}\n", "| " + " | ".join(map(cell, table.head)) + " |"]
        lines.append("|" + "---|" * len(table.head))
        for number, row in enumerate(table.rows):
            texts = [f"**{cell(t)}**" if (number, c) in table.marks else cell(t) for c, t in enumerate(row)]
            lines.append("| " + " | ".join(texts) + " |")
        parts.append("\n".join(lines))
    return "\n".join(parts) + "\n"


def to_json(
    findings: Findings,
    rows: Sequence[Row],
    answers: dict[str, list[Comparison]],
    means: Sequence[Mean],
    notes: Sequence[str],
) -> str:
    """Everything, the samples included; numbers that are none are null."""
    values: dict[str, Any] = {
        "schema": 2,  # 2: the errors are as shares of convbench's bound
        "notes": list(notes),
        "layers": [layer.model_dump(mode="json") for layer in findings.layers],
        "versions": findings.versions,
        "peaks_gflops": findings.peaks,
        "empty_ns": [{"threads": t, "peer": n, "ns": v} for (t, n), v in findings.empty_ns.items()],
        "skipped": [{"threads": t, "layer": n, "what": w, "why": y} for (t, n, w), y in findings.skipped.items()],
        "rows": [asdict(row) for row in rows],
        "comparisons": {
            what: [asdict(answer) | {"verdict": answer.verdict} for answer in each] for what, each in answers.items()
        },
        "means": [asdict(mean) for mean in means],
        "samples": [asdict(sample) for sample in findings.samples],
    }
    return json.dumps(_finite(values), indent=1, allow_nan=False) + "\n"


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
