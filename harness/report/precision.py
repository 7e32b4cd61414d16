"""How well the ratios are known that a policy wants to a precision, and what that took."""

from __future__ import annotations

from dataclasses import dataclass

from harness.report.numbers import share_text
from harness.results.repetition import Wanted, wanted_ratios
from harness.results.results import Results
from harness.stats.estimate import ratio


@dataclass(frozen=True)
class Precision:
    """Of all ratios that matter, those that are known as well as the policy asks, and those that are not."""

    asked: float
    known: list[Wanted]
    wide: list[Wanted]

    @property
    def text(self) -> str:
        """``20 of 24 ratios are known to 1.0 %, as the policy asks, with 8 to 27 launches; the widest ...``."""
        counts = [len(each.means) for each in (*self.known, *self.wide)]
        total = len(counts)
        launches = f"{min(counts)} to {max(counts)}" if min(counts) < max(counts) else str(min(counts))
        asked = f"{len(self.known)} of {total} ratios have an interval no wider than the {share_text(self.asked)}"
        text = f"{asked} that the policy asks for, with {launches} launches"
        if not self.wide:
            return text
        worst = max(self.wide, key=_width)
        width = _width(worst)
        how, key = "none" if width == float("inf") else share_text(width), worst.row.key
        return f"{text}; the widest of the others has {how} ({key.layer}, CPUs {key.cluster}, {key.cache})"


def make_precision(results: Results) -> Precision | None:
    """None where the policy of the run asks for none, or nothing was measured."""
    asked = results.run.precision
    wanted = list(wanted_ratios(results.rows)) if asked is not None else []
    if asked is None or not wanted:
        return None
    known: list[Wanted] = []
    wide: list[Wanted] = []
    for each in wanted:
        (known if _width(each) <= asked else wide).append(each)
    return Precision(asked, known, wide)


def _width(wanted: Wanted) -> float:
    found = ratio(wanted.means)
    width = found.width if found else None
    return float("inf") if width is None else width
