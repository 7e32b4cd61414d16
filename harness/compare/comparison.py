"""A whole comparison of two runs: a row for each pair of their rows, with its decision."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from statistics import median

from harness.compare.checks import Mismatch, check
from harness.compare.match import Match, match_rows
from harness.compare.side import Side, alike_known, counterparts, read_side
from harness.errors import UsageError
from harness.exit_codes import ExitCode
from harness.judge.decision import DECISIONS, Decision, code_of, decide, is_disturbed
from harness.model.launches import LEAST_LAUNCHES
from harness.results.numbers import number_text, on_threads, ratio_texts
from harness.results.rows import Row
from harness.results.table import Table
from harness.stats.difference import Difference, of_launches
from harness.stats.holm import holm

_COLUMNS = (
    "device,cluster,threads,cache,layer,variant,base,new,ratio,low,high,visible,p,p_holm,decision,"
    "base_ns,new_ns,floor,how,reason,emulated,allowed,base_name,new_name,confirmed"
)
COMPARE_COLUMNS = tuple(_COLUMNS.split(","))
_NUMBERS = frozenset({"threads", "ratio", "low", "high", "visible", "p", "p_holm", "base_ns", "new_ns", "floor"})


@dataclass(frozen=True)
class ComparedRow:
    """What a layer's variant took in both. ``difference``: None where it cannot be judged, for that ``reason``."""

    base: Row
    new: Row
    difference: Difference | None
    p: float | None = None
    p_holm: float | None = None
    decision: Decision = "unjudged"
    reason: str = ""
    floor: float | None = None  # of noise, as a share: what is below it proves nothing; None where it is not known
    allowed: str = ""  # names of what differs beside the program, joined by +
    names: tuple[str, str] = ("", "")  # of base and new: builds within a run, or runs
    confirmed: bool | None = None  # whether it was slower once more when measured again; None where it was not
    is_one_of_several: bool = False  # bases, whose names tell rows apart
    number: int = 0  # of the data row in compare.csv, from 1

    @property
    def variant(self) -> str:
        """The variant's name: the new run's, where that ran."""
        return self.new.key.variant if self.new.has_samples else self.base.key.variant

    @property
    def variant_text(self) -> str:
        """The variant for people, with how many threads shared a call where several did."""
        against = f" against {self.names[0]}" if self.is_one_of_several else ""
        return f"{self.variant}{on_threads(self.new.key.threads)}{against}"

    @cached_property
    def columns(self) -> Mapping[str, str]:
        """The row as texts of compare.csv. A ratio over 1: the new one is faster."""
        key = self.new.key
        found = self.difference
        values = {
            **{name: key.columns[name] for name in ("device", "cluster", "threads", "cache", "layer")},
            "variant": self.variant,
            "base": self.base.key.build,
            "new": key.build,
            **ratio_texts(found.ratio if found else None),
            "visible": number_text(found.visible() if found else None),
            "p": number_text(self.p),
            "p_holm": number_text(self.p_holm),
            "decision": self.decision,
            "base_ns": number_text(self.base.time.value if self.base.time else None),
            "new_ns": number_text(self.new.time.value if self.new.time else None),
            "floor": number_text(self.floor),
            "how": "" if found is None else "pairs" if found.paired else "launches",
            "reason": self.reason,
            "emulated": str(int(self.new.emulated)),
            "allowed": self.allowed,
            "base_name": self.names[0],
            "new_name": self.names[1],
            "confirmed": "" if self.confirmed is None else str(int(self.confirmed)),
        }
        return {column: values[column] for column in COMPARE_COLUMNS}


@dataclass(frozen=True)
class Comparison:
    """Two runs compared. ``threshold``: a ratio, less 1; None without one."""

    base: Side
    new: Side
    rows: Sequence[ComparedRow]
    allowed: Sequence[Mismatch]
    only_base: Sequence[Row]
    only_new: Sequence[Row]
    threshold: float | None = None
    about_builds: Sequence[str] = ()  # what is to be said of other builds that a run has

    @property
    def is_within(self) -> bool:
        """Whether these are builds within a run, not two runs."""
        return self.new.own is not None

    @property
    def suspects(self) -> list[ComparedRow]:
        """Rows that were slower, and were measured again therefore."""
        return [row for row in self.rows if row.confirmed is not None]

    @property
    def counts(self) -> dict[Decision, int]:
        """How many rows have each decision, in the order of DECISIONS."""
        found = Counter(row.decision for row in self.rows)
        return {decision: found[decision] for decision in DECISIONS}

    @property
    def code(self) -> ExitCode:
        """The exit code."""
        return code_of({row.decision for row in self.rows}, self.threshold)

    @property
    def table(self) -> Table:
        """compare.csv."""
        return Table("compare", COMPARE_COLUMNS, [row.columns for row in self.rows], _NUMBERS)

    @property
    def remarks(self) -> Iterator[str]:
        """What belongs beside the decisions."""
        for mismatch in self.allowed:
            yield f"compared in spite of {mismatch}"
        yield from self.about_builds
        if self.base.builds == self.new.builds != []:
            yield f"both runs measured the same program ({', '.join(self.new.builds)}): what differs is noise"
        if any(row.new.emulated for row in self.rows):
            yield "EMULATED: an emulated CPU's times say nothing about a phone"
        for word, rows in (("BASE", self.only_base), ("NEW", self.only_new)):
            if rows:
                yield f"only in {word}, and not compared: {places(rows)}"
        yield from self._about_noise()
        if any(row.difference and not row.difference.paired for row in self.rows):
            yield (
                "two runs share no rounds: intervals tell of launches, not of what two runs differ by as a whole "
                "(docs/comparing.md)"
            )

    def _about_noise(self) -> Iterator[str]:
        """Where no noise floor is known, and where the threshold lies below it."""
        judged = [row for row in self.rows if row.difference is not None]
        for several, remedy in ((False, "harness calibrate"), (True, "harness calibrate measures calls on one thread")):
            unknown = [r.new for r in judged if r.floor is None and (r.new.key.threads > 1) == several]
            if unknown:
                yield f"no noise floor is known of {places(unknown)}: {remedy}"
        above = [row for row in judged if row.floor and self.threshold and row.floor > self.threshold]
        if above:
            most = max(row.floor or 0.0 for row in above)
            where = places([row.new for row in above])
            yield f"the threshold is below the noise floor, {most:.2%} at most, of {where}"


def compare_runs(base: Path, new: Path, allow: Collection[str] = (), threshold: float | None = None) -> Comparison:
    """Compares two run directories.

    Raises UsageError where they cannot be compared, or have nothing in common; InfrastructureError for damaged ones.
    """
    ours, theirs = alike_known(read_side(base), read_side(new))
    devices = counterparts(ours, theirs)
    allowed = check(ours, theirs, devices, allow)
    names = "+".join(dict.fromkeys(mismatch.name for mismatch in allowed))
    found = match_rows(ours.rows, theirs.rows, devices)
    if not found.matches:
        raise UsageError(
            f"{ours.name} and {theirs.name} have no device, CPUs, layer and variant in common: nothing to compare",
            "compare two runs of one suite on one device",
        )
    sides = (ours.name, theirs.name)
    rows = [
        replace(_compared(match, floor_of(ours, theirs, match)), allowed=names, names=sides) for match in found.matches
    ]
    others = [
        f"other builds of {word} are left out: {', '.join(other.title for other in side.results.run.against)}"
        for word, side in (("BASE", ours), ("NEW", theirs))
        if side.results.run.against
    ]
    return Comparison(
        ours, theirs, decided(rows, threshold), allowed, found.only_base, found.only_new, threshold, others
    )


def floor_of(base: Side, new: Side, match: Match) -> float | None:
    """The noise floor there: the greater one of both runs' calibrations, where they are to be relied on."""
    known = [
        floor
        for side, key in ((base, match.base.key), (new, match.new.key))
        for device in side.results.run.devices
        if device.name == key.device and device.calibration and not device.stale
        if (floor := device.calibration.floor(key.cluster, key.cache, key.threads)) is not None
    ]
    return max(known, default=None)


def _compared(match: Match, floor: float | None) -> ComparedRow:
    """Without a decision yet, or unjudged with the reason."""
    for word, row in (("BASE", match.base), ("NEW", match.new)):
        if row.status != "ok":
            reason = f"{word}: {row.status}{f': {row.reason}' if row.reason else ''}"
            return ComparedRow(match.base, match.new, None, reason=" ".join(reason.split()))
        valid, total = len(row.observations), len(row.observations) + len(row.tainted)
        if is_disturbed(valid, total):
            reason = f"{word}: {valid} of {total} samples are valid, half are needed between two runs"
            return ComparedRow(match.base, match.new, None, reason=reason)
    levels = [_levels(row) for row in (match.base, match.new)]
    difference = of_launches(*levels)
    if difference is None:
        counts = f"{len(levels[0])} launches of BASE and {len(levels[1])} of NEW"
        return ComparedRow(match.base, match.new, None, reason=f"{counts}, {LEAST_LAUNCHES} are needed")
    reason = ran_apart(match, "BASE", "NEW")
    return ComparedRow(match.base, match.new, difference, difference.p(floor or 0.0), reason=reason, floor=floor)


def ran_apart(match: Match, base: str, new: str) -> str:
    """That the two ran something else, where they did; ``base``, ``new``: what they are called."""
    names = [row.key.variant for row in (match.base, match.new)]
    return "" if names[0] == names[1] else f"{base} ran {names[0]}, {new} {names[1]}"


def _levels(row: Row) -> list[float]:
    """The log median time of each launch, of valid samples."""
    launches: dict[int, list[float]] = defaultdict(list)
    for observation in row.observations:
        launches[observation.launch].append(observation.value)
    return [math.log(median(values)) for _, values in sorted(launches.items())]


def decided(rows: Sequence[ComparedRow], threshold: float | None) -> list[ComparedRow]:
    """With decisions: all that was judged is one family, for one false alarm spoils the whole comparison."""
    adjusted = iter(holm([row.p for row in rows if row.p is not None]))
    found = []
    for number, row in enumerate(rows, start=1):
        if row.difference is None:
            found.append(replace(row, number=number))
            continue
        p_holm = next(adjusted)
        p_same = 1.0 if threshold is None else row.difference.p_same(threshold)
        decision = decide(row.difference.log, p_holm, p_same, threshold)
        found.append(replace(row, p_holm=p_holm, decision=decision, number=number))
    return found


def places(rows: Sequence[Row]) -> str:
    """``pixel-3 CPUs 4-7 on 2 threads (12 rows)``, by place."""
    counts = Counter(f"{row.key.device} CPUs {row.key.cluster}{on_threads(row.key.threads)}" for row in rows)
    return ", ".join(f"{place} ({count} rows)" for place, count in counts.items())
