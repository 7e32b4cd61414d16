"""A/A pairs: a variant beside itself under another name, in the same rounds. The rows of aa.csv.

What differs there is noise, or a fault of the tool: a ratio of equals is 1. Of many such intervals of 95 % one in
twenty leaves 1 out by chance.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from harness.results.numbers import number_text, ratio_texts
from harness.results.rows import AA, Row
from harness.stats.chance import more_than_chance
from harness.stats.interval import CONFIDENCE, Interval
from harness.stats.noise import Noise, noise_of

_COLUMNS = "device,cluster,threads,cache,build,layer,variant,copy,ratio,low,high,width,visible,verdict,emulated"
AA_COLUMNS = tuple(_COLUMNS.split(","))


@dataclass
class AaRow:
    """A variant's time over its own, measured in the same rounds as ``copy``."""

    row: Row
    copy: Row
    ratio: Interval | None  # None where nothing can be said of it
    number: int = 0  # of the data row in aa.csv, from 1

    @property
    def verdict(self) -> str:
        """``passed``: the interval holds 1; ``failed``: it does not; ``unjudged``: there is none."""
        if self.ratio is None or not self.ratio.has_interval:
            return "unjudged"
        return "failed" if self.ratio.against_one() else "passed"

    @property
    def width(self) -> float | None:
        """Of its interval; None without one."""
        return self.ratio.width if self.ratio else None

    @cached_property
    def columns(self) -> Mapping[str, str]:
        """The row as texts of aa.csv."""
        return {
            **self.row.key.columns,
            "copy": self.copy.key.variant,
            **ratio_texts(self.ratio),
            "width": number_text(self.width),
            "visible": number_text(self.ratio.visible if self.ratio else None),
            "verdict": self.verdict,
            "emulated": str(int(self.row.emulated)),
        }


@dataclass(frozen=True)
class AaSummary:
    """The A/A pairs of one cluster in one cache mode on one number of threads."""

    cache: str
    threads: int
    pairs: Sequence[AaRow]

    @property
    def judged(self) -> list[AaRow]:
        """Those with an interval."""
        return [pair for pair in self.pairs if pair.verdict != "unjudged"]

    @property
    def failed(self) -> list[AaRow]:
        """Those whose interval does not hold 1."""
        return [pair for pair in self.pairs if pair.verdict == "failed"]

    @property
    def verdict(self) -> str:
        """``passed``: no more failed than chance lets fail; ``failed``; ``unjudged`` where none has an interval."""
        if not self.judged:
            return "unjudged"
        return "failed" if more_than_chance(len(self.failed), len(self.judged), 1 - CONFIDENCE) else "passed"

    @property
    def widest(self) -> AaRow:
        """Of those that are judged."""
        return max(self.judged, key=lambda pair: pair.width or 0.0)

    @property
    def noise(self) -> Noise | None:
        """What they tell of this place's noise; None where none is judged."""
        found = [pair.ratio for pair in self.judged if pair.ratio is not None]
        return noise_of(found) if found else None


def make_aa(rows: Sequence[Row]) -> list[AaRow]:
    """All rows of aa.csv, in the order of results.csv."""
    first = {_place(row): row for row in reversed(rows) if not row.is_copy}
    found: list[AaRow] = []
    for copy in rows:
        if copy.is_copy and (row := first.get(_place(copy))) is not None:
            found.append(AaRow(row, copy, copy.ratio(AA), len(found) + 1))
    return found


def _place(row: Row) -> tuple[object, ...]:
    key = row.key
    return (key.device, key.cluster, key.threads, key.cache, key.build, key.layer, key.what.asked)


def aa_summaries(pairs: Sequence[AaRow]) -> list[AaSummary]:
    """One for each cache mode and number of threads; ``pairs`` are those of one cluster."""
    places: dict[tuple[str, int], list[AaRow]] = {}
    for pair in pairs:
        places.setdefault((pair.row.key.cache, pair.row.key.threads), []).append(pair)
    return [AaSummary(*place, found) for place, found in places.items()]


def off_by(pair: AaRow) -> float:
    """How far the estimate is from 1, as a share; 0 where there is none."""
    return math.expm1(abs(math.log(pair.ratio.value))) if pair.ratio else 0.0
