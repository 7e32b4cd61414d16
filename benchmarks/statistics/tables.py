"""The tables of docs/statistics.md."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from benchmarks.statistics import silicon as blocks_of
from benchmarks.statistics.blocks import TWO
from benchmarks.statistics.found import TARGET_POWER, Score, covers_as_promised
from benchmarks.statistics.silicon import Block, Sharing
from benchmarks.statistics.simulation import EQUAL, LARGER, OURS, TRUTHS, KindScores
from harness.model.policy import Policy

_NONE = "–"


def lines(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Of a table in Markdown whose first column is text and whose others are figures."""
    return ["| " + " | ".join(line) + " |" for line in (head, ["---", *["--:"] * (len(head) - 1)], *rows)]


def percent(value: float, digits: int = 1) -> str:
    """A share or a relative error; a dash where there is none."""
    return _NONE if math.isnan(value) else f"{value:.{digits}%}".replace("%", " %")


def by_kind(found: Sequence[KindScores]) -> list[str]:
    """Our intervals, one line a kind of device, with the verdict on each target."""
    rows = []
    for each in found:
        equal, larger = (each.methods[OURS][truth] for truth in TRUTHS)
        rows.append(
            [
                f"{each.kind.name}: {each.kind.says}",
                *(f"{score.covered} {_covers(score)}" for score in (equal, larger)),
                str(equal.alarms),
                f"{larger.seen} {_sees(larger)}",
                percent(larger.half, 2),
            ]
        )
    head = ["device", "coverage, equal", "coverage, 1 % apart", "false alarms", "sees 1 %", "half-width"]
    return lines(head, rows)


def _covers(score: Score) -> str:
    return "met" if covers_as_promised(score.covered) else "**missed**"


def _sees(score: Score) -> str:
    return "met" if score.seen.value >= TARGET_POWER else "**missed**"


_CELLS: dict[str, Callable[[Mapping[float, Score]], str]] = {
    "coverage": lambda scores: percent(min(scores[truth].covered.value for truth in TRUTHS)),
    "alarms": lambda scores: percent(scores[EQUAL].alarms.value),
    "power": lambda scores: percent(scores[LARGER].seen.value),
    "error": lambda scores: percent(scores[EQUAL].error, 2),
}


def side_by_side(found: Sequence[KindScores], what: str) -> list[str]:
    """All methods: ``coverage`` (of both true ratios' streams the worse), ``alarms``, ``power`` or ``error``."""
    methods, cell = list(found[0].methods), _CELLS[what]
    rows = [[each.kind.name, *(cell(each.methods[method]) for method in methods)] for each in found]
    return lines(["device", *methods], rows)


def repetition(found: Sequence[KindScores]) -> list[str]:
    """Coverage, power and launches under each stopping rule."""
    names = list(found[0].rules)
    rows = []
    for each in found:
        row = [each.kind.name]
        for name in names:
            rule = each.rules[name]
            covered = min((rule.scores[truth] for truth in TRUTHS), key=lambda score: score.covered.value)
            row += [
                f"{percent(covered.covered.value)} {_covers(covered)}",
                percent(rule.scores[LARGER].seen.value),
                f"{rule.launches:.0f}",
            ]
        rows.append(row)
    return lines(["device", *(f"{what}: {name}" for name in names for what in ("coverage", "power", "launches"))], rows)


def simulation(found: Sequence[KindScores]) -> list[str]:
    """Everything that is shown of the simulated devices."""
    parts = [
        ("Ours, by kind of device (targets: coverage 93 to 97 %, power 90 %)", by_kind(found)),
        ("Coverage of the 95 % interval, the worse of both true ratios", side_by_side(found, "coverage")),
        ("False alarms on equal variants", side_by_side(found, "alarms")),
        ("Power: a true 1 % is seen, and on the right side", side_by_side(found, "power")),
        ("Root mean square error of the estimate, equal variants", side_by_side(found, "error")),
        ("Launches that go on by a rule: worse coverage, power, launches in the mean", repetition(found)),
    ]
    return [line for title, table in parts for line in (f"**{title}**", "", *table, "")][:-1]


_MOST_ALARMS = 16  # of 200 equal blocks
_BINS = (0.0, 0.5, 1.0, 2.0, math.inf)


def silicon(blocks: Sequence[Block], policy: Policy) -> list[str]:
    """Every method on the blocks of this machine, and ours by working set."""
    rows = []
    for name, (equal, more) in blocks_of.scores(blocks, policy).items():
        verdicts = ("", "")
        if name == OURS:
            verdicts = (
                " met" if equal.alarms.hits <= _MOST_ALARMS * len(blocks) / 200 else " **missed**",
                f" {_sees(more)}",
            )
        rows.append(
            [
                name,
                f"{equal.alarms.hits} of {equal.alarms.total}{verdicts[0]}",
                f"{equal.covered.hits} of {equal.covered.total}" if equal.covered.total else _NONE,
                f"{more.seen.hits} of {more.seen.total}{verdicts[1]}",
                f"{more.covered.hits} of {more.covered.total}" if more.covered.total else _NONE,
                percent(equal.error, 2),
                percent(equal.half, 2),
            ]
        )
    head = ["method", "false alarms", "covers 1", "sees 1 %", "covers 1.01", "error", "half-width"]
    parts = []
    for low, high in pairwise(_BINS):
        part = [block for block in blocks if low <= block.share < high]
        if part:
            equal, more = blocks_of.scores(part, policy)[OURS]
            left_out = sum(block.tainted for block in part) / sum(block.count for block in part)
            size = f"{low:g} to {high:g}" if math.isfinite(high) else f"over {low:g}"
            parts.append(
                [
                    f"{size} x L2",
                    f"{equal.alarms.hits} of {equal.alarms.total}",
                    f"{more.seen.hits} of {more.seen.total}",
                    percent(equal.error, 2),
                    percent(equal.half, 2),
                    percent(left_out),
                ]
            )
    by_size = lines(["working set (ours)", "false alarms", "sees 1 %", "error", "half-width", "tainted"], parts)
    return [*lines(head, rows), "", *by_size]


def sharing(found: Mapping[tuple[str, str], Sharing], count: int) -> list[str]:
    """What it gives that variants share their placement within a round."""
    rows = []
    for other in dict.fromkeys(other for _, other in found):
        own, shared = found["own", other], found["shared", other]
        rows.append(
            [
                f"indirect beside {'itself' if other == TWO else other}",
                percent(shared.same, 0),
                f"{percent(own.sd, 2)} · {percent(shared.sd, 2)}",
                f"{percent(own.half, 2)} · {percent(shared.half, 2)}",
            ]
        )
    head = [f"{count} layers", "rounds at the same places", "sd of a round: own · shared", "half-width: own · shared"]
    return lines(head, rows)


def replaced(page: str, name: str, text: Sequence[str]) -> str:
    """The page with that part anew: what stands between ``<!-- NAME -->`` and ``<!-- /NAME -->``.

    Raises ValueError where it has no such part.
    """
    begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->\n"
    before, found, rest = page.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"no lines {begin.strip()} and {end.strip()}")
    return before + begin + "\n".join(["", *text, ""]) + "\n" + end + after
