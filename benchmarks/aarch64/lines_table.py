"""Simulated cache lines as Markdown."""

from __future__ import annotations

from typing import Any

from benchmarks.aarch64.cores import CORES
from benchmarks.aarch64.lines import COLUMNS, MOST_OVER_BETTER, PUBLISHED, excess
from benchmarks.aarch64.markdown import table

Json = dict[str, Any]
_MEASURES = {"l2": "Lines from beyond L2", "l1": "Lines from beyond L1", "written": "Lines written back beyond L2"}
CAVEATS = (
    "A simulation, no measurement: one thread's loads and stores in a warm second run, an L1 data cache and an L2 "
    "cache that both give up the line used least recently. It counts lines, not time.",
    "Left out: prefetching, by hardware or by instruction, which brings lines earlier (and some for nothing); an L3 or "
    "system cache behind L2; TLBs; instruction fetches; what the kernel does and copies; other threads and programs, "
    "which on an A53 share the L2 cache.",
    "The cores replace lines in ways of their own (L1 of an A53 at pseudo-random, of an A76 by pseudo-LRU). An A53's "
    "L2 takes lines as L1 gives them up, an A76's holds all that L1 has; here neither knows what the other one holds.",
    "Addresses are the program's, as if its memory lay in one piece; pages that lie scattered use the sets of L2 less "
    "evenly. A store always fetches its line; both cores stop doing so in long runs of stores, which favours im2col "
    "and all outputs alike.",
)


def _rate(figure: float, entry: Json) -> float:
    """By million floating-point operations, nominal: two for each product, those by padding included."""
    return figure / (2 * float(entry["macs"]) / 1e6)


def ratio(entry: Json) -> float | None:
    """What the published im2col brings from beyond L2, by the better order of its whole matrix."""
    return excess({name: column["l2"] for name, column in entry["columns"].items()})


def is_over(entry: Json) -> bool:
    """Whether the packed weights fit the L2 cache and the published im2col brings too much all the same."""
    found = ratio(entry)
    return bool(entry["fits"]) and found is not None and found > MOST_OVER_BETTER


def _cell(entry: Json, column: str, measure: str) -> str:
    figures = entry["columns"].get(column)
    return f"{_rate(figures[measure], entry):.1f}" if figures else "-"


def _row(entry: Json, measure: str) -> list[str]:
    cut = f" (cut to {entry['height']} rows)" if entry["cut"] else ""
    published = entry["columns"][PUBLISHED]
    weights = f"{published['weights'] / 1024:.0f}{'' if entry['fits'] else ', over L2'}"
    cells = [entry["layer"] + cut, weights, published["order"]]
    cells += [_cell(entry, column, measure) for column, _, _ in COLUMNS]
    if measure == "l2":
        found = ratio(entry)
        cells.append("-" if found is None else f"{found:.2f}{' **over**' if is_over(entry) else ''}")
    return cells


def lines_text(result: Json) -> list[str]:
    """The tables of cache lines: a table for each core and measure, the sentence on the check, what is left out."""
    entries = result["lines"]
    lines = ["## Cache lines of one run", ""]
    lines += ["Lines by million floating-point operations, in the second of two runs. Whole-matrix orders of im2col:"]
    lines += ["`+panels` (all pixels pass one panel of output channels after the other) and `+pixels` (all panels pass"]
    lines += ["one tile of pixels after the other); *order* is the one in which the published algorithms run."]
    lines += [f"qemu {result['qemu']}.", ""]
    fitting = [entry for entry in entries if entry["fits"] and ratio(entry) is not None]
    over = [f"{entry['layer']} on {entry['core']}: {ratio(entry):.2f}" for entry in fitting if is_over(entry)]
    lines += [
        f"Where the packed weights fit L2 ({len(fitting)} rows), the published im2col may bring {MOST_OVER_BETTER} "
        f"times the lines of the better whole-matrix order from beyond L2. Over: {'; '.join(over) or 'none'}.",
        "",
    ]
    lines += [f"{i}. {caveat}" for i, caveat in enumerate(CAVEATS, 1)]
    for measure, title in _MEASURES.items():
        head = ["layer", "weights, KB", "order", *(column for column, _, _ in COLUMNS)]
        head += ["published / better order"] if measure == "l2" else []
        for core in CORES:
            rows = [_row(entry, measure) for entry in entries if entry["core"] == core.name]
            caches = f"{core.l1.size // 1024} KB in {core.l1.ways} ways, {core.l2.size // 1024} KB in {core.l2.ways}"
            lines += ["", f"### {title}: {core.name}", "", f"L1 {caches} ways; {core.source}.", ""]
            lines += table(head, rows)
    return lines
