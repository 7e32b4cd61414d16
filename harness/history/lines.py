"""What changed, in words for a terminal and as values for --json."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from harness.history.changes import Change, Found
from harness.history.series import Point, Series


@dataclass(frozen=True)
class Told:
    """A change of a series."""

    series: Series
    change: Change

    @property
    def at(self) -> Point:
        """The first run with another time."""
        return self.series.points[self.change.first]

    @property
    def before(self) -> Point:
        """The run before that."""
        return self.series.points[max(0, self.change.first - 1)]

    @property
    def until(self) -> Point:
        """Of a drift: the last run of it."""
        return self.series.points[self.change.last]

    @property
    def word(self) -> str:
        """``slower`` or ``faster``."""
        return "slower" if self.change.is_slower else "faster"

    @property
    def size(self) -> str:
        """``3.1 % slower [2.7 %, 3.5 %]``: by how much of the time before its time grew, or sank."""
        change = self.change
        low, high = (change.low - 1, change.high - 1) if change.is_slower else (1 - change.high, 1 - change.low)
        return f"{abs(change.ratio - 1):.1%} {self.word} [{low:.1%}, {high:.1%}]".replace("%", " %")

    @property
    def when(self) -> str:
        """``since 2026-10-21``, or ``from 2026-10-21 to 2026-11-04``."""
        if self.change.kind == "drift":
            return f"from {self.at.started:%Y-%m-%d} to {self.until.started:%Y-%m-%d}"
        return f"since {self.at.started:%Y-%m-%d}"

    @property
    def programs(self) -> str:
        """What was measured before and since, where that is known to differ."""
        parts = []
        for name, old, new in (
            ("commit", self.before.commit[:12], self.at.commit[:12]),
            ("program", self.before.build, self.at.build),
            ("variant", self.before.variant, self.at.variant),
        ):
            if old != new:
                parts.append(f"{name} {old or 'unknown'} to {new or 'unknown'}")
        return ", ".join(parts) or "the same commit and program"

    def value(self) -> dict[str, Any]:
        """For --json."""
        series, change = self.series, self.change
        return {
            **key_value(series),
            "kind": change.kind,
            "ratio": change.ratio,
            "low": change.low,
            "high": change.high,
            "first_run": self.at.run,
            "first_started": self.at.started.isoformat(),
            "last_run": self.until.run,
            "run_before": self.before.run,
            "programs": self.programs,
        }


def changes_of(series: Sequence[Series]) -> list[Told]:
    """All changes, the newest first."""
    found = [Told(each, change) for each in series for change in each.found.changes]
    return sorted(found, key=lambda told: (told.at.started, told.series.place, told.series.key.layer), reverse=True)


def chosen(series: Sequence[Series], phone: str | None, layer: str | None) -> list[Series]:
    """Those of a phone (its name in a run, model or pseudonym) and of layers whose name matches."""
    return [
        each
        for each in series
        if (phone is None or phone in (each.device, each.model, each.key.phone))
        and (layer is None or fnmatchcase(each.key.layer, layer))
    ]


def lines(series: Sequence[Series], runs: int) -> Iterator[str]:
    """A line for each change, the newest first, and one that sums up."""
    told = changes_of(series)
    for each in told:
        mark = " (EMULATED)" if each.series.emulated else ""
        what = f"{each.series.place}{mark}, {each.series.key.layer} {each.series.key.variant}"
        kind = "drift, " if each.change.kind == "drift" else ""
        yield f"{each.when}: {what}: {kind}{each.size}; {each.programs}"
    yield f"{len(told)} changes in {len(series)} series of {runs} runs"


def key_value(series: Series) -> dict[str, Any]:
    """What a series is of, for --json."""
    key = series.key
    return {
        "device": series.device,
        "phone": key.phone,
        "cluster": key.cluster,
        "threads": key.threads,
        "cache": key.cache,
        "layer": key.layer,
        "asked": key.asked,
        "face": key.face,
        "emulated": series.emulated,
    }


def series_value(series: Series) -> dict[str, Any]:
    """A series for --json."""
    found: Found = series.found
    return {
        **key_value(series),
        "points": len(series.points),
        "missing": len(series.missing),
        "noise": found.noise,
        "disturbed": [series.points[n].run for n in found.odd],
        "changes": len(found.changes),
    }
