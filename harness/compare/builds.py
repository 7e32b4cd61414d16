"""Builds of the library that were measured in the same rounds of one run (--against): a decision for each row.

The run's own build is the new one, each other build a base. Drift and heat cancel in pairs of a round. What was slower
and measured again (--confirm) is decided by its fresh launches alone: those that raised the suspicion are selected, and
so look worse than the truth. While nothing of those is on record, the first ones decide.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.compare.comparison import ComparedRow, Comparison, decided, floor_of, places, ran_apart
from harness.compare.match import Match, match_rows
from harness.compare.side import Side, read_side
from harness.errors import UsageError
from harness.judge.decision import Decision
from harness.judge.rounds import too_few
from harness.model.launches import LEAST_LAUNCHES
from harness.model.other_build import CHECKOUT
from harness.model.sustained import SUSTAINED
from harness.results.pairs import logs_apart
from harness.stats.difference import of_pairs
from harness.stats.estimate import launch_logs
from harness.store.confirming import Fresh, fresh_launches
from harness.store.rundir import RunDir

_Fresh = Mapping[tuple[str, str, str], Fresh]  # by device, cluster and layer


def compare_builds(path: Path, threshold: float | None = None) -> Comparison:
    """Compares the builds of one run directory. Raises UsageError where it has no others, or nothing to compare."""
    side = read_side(path)
    run = side.results.run
    if not run.against:
        raise UsageError(
            f"{side.name} was made without --against: it holds one build alone",
            "name a second run (harness compare BASE NEW), or measure with: harness run --against HEAD~1",
        )
    if run.mode == SUSTAINED:
        raise UsageError(f"{side.name} cannot be compared: it is of mode sustained", "compare a run of mode burst")
    names = " and ".join(dict.fromkeys(other.title for other in run.against))
    base, new = replace(side, title=names, own=False), replace(side, title=CHECKOUT, own=True)
    fresh = _fresh(side)
    rows: list[ComparedRow] = []
    lacking: list[str] = []
    for name in dict.fromkeys(other.name for other in run.against):
        found = match_rows([row for row in base.rows if row.other_build == name], new.rows, {})
        rows += [_compared(side, match, name, fresh, first=True) for match in found.matches]
        for own, other, only in ((name, CHECKOUT, found.only_base), (CHECKOUT, name, found.only_new)):
            lacking += [f"only in {own}, not in {other}, and not compared: {places(only)}"] if only else []
    if not rows:
        raise UsageError(f"{side.name} has no row that two builds share: nothing to compare", "measure it again")
    several = len(dict.fromkeys(row.names[0] for row in rows)) > 1
    rows = [replace(row, is_one_of_several=several) for row in decided(rows, threshold)]
    rows, waiting = _confirmed(side, rows, fresh, threshold)
    return Comparison(base, new, rows, (), (), (), threshold, (*_remarks(side, rows, waiting), *lacking))


def _fresh(side: Side) -> _Fresh:
    run = RunDir(side.path)
    return {
        (device.name, cluster, layer): found
        for device in side.results.run.devices
        for (cluster, layer), found in fresh_launches(run.device(device.name).events).items()
    }


def _compared(side: Side, match: Match, name: str, fresh: _Fresh, *, first: bool) -> ComparedRow:
    """By the launches that were planned at first, or by the fresh ones; without a decision, or unjudged and why."""
    names = (name, CHECKOUT)
    for word, row in zip(names, (match.base, match.new), strict=True):
        if row.status not in ("ok", "unjudged"):
            reason = f"{word}: {row.status}{f': {row.reason}' if row.reason else ''}"
            return ComparedRow(match.base, match.new, None, reason=" ".join(reason.split()), names=names)
    key = match.new.key
    again = fresh.get((key.device, key.cluster, key.layer))

    def counts(launch: int) -> bool:
        return again is None or (launch < again.first if first else again.first <= launch < again.end)

    logs = {launch: logs for launch, logs in logs_apart(match.new, match.base).items() if counts(launch)}
    total = sum(counts(launch) for launch, *_ in match.new.attempt_rounds & match.base.attempt_rounds)
    valid = sum(map(len, logs.values()))
    if (match.new.tainted or match.base.tainted) and too_few(valid, total, side.policy.least_pairs):
        return ComparedRow(match.base, match.new, None, reason=f"{valid} of {total} pairs are valid", names=names)
    difference = of_pairs(list(launch_logs(logs).values()))
    if difference is None:
        reason = f"{len(logs)} launches with pairs, {LEAST_LAUNCHES} are needed"
        if again is not None and not first and not logs:
            reason = f"0 of {again.end - again.first} launches"
        return ComparedRow(match.base, match.new, None, reason=reason, names=names)
    floor = floor_of(side, side, match)
    p, reason = difference.p(floor or 0.0), ran_apart(match, *names)
    return ComparedRow(match.base, match.new, difference, p, reason=reason, floor=floor, names=names)


def _confirmed(
    side: Side, rows: Sequence[ComparedRow], fresh: _Fresh, threshold: float | None
) -> tuple[list[ComparedRow], int]:
    """The same, suspects by their second look, whatever came of it; those are a family of their own.

    And how many suspects it has nothing of yet: they stay as the first look has them.
    """
    planned = {row.number: fresh.get((row.new.key.device, row.new.key.cluster, row.new.key.layer)) for row in rows}
    every = [row for row in rows if row.decision == "slower" and planned[row.number]]
    suspects = [row for row in every if _has_rounds_of(row, planned[row.number])]
    again = [_compared(side, Match(row.base, row.new), row.names[0], fresh, first=False) for row in suspects]
    found = {row.number: _second(row, new) for row, new in zip(suspects, decided(again, threshold), strict=True)}
    return [found.get(row.number, row) for row in rows], len(every) - len(suspects)


def _has_rounds_of(row: ComparedRow, fresh: Fresh | None) -> bool:
    rounds = row.new.attempt_rounds & row.base.attempt_rounds
    return fresh is not None and any(fresh.first <= launch < fresh.end for launch, *_ in rounds)


def _second(row: ComparedRow, again: ComparedRow) -> ComparedRow:
    """A suspect as its fresh launches have it; what they do not prove once more is not slower."""
    at_first = f"slower at first ({row.difference.ratio.value:.3f})" if row.difference else ""
    if again.difference is None:
        reason = f"{at_first}; measured again: {again.reason}"
        return replace(
            again, number=row.number, reason=reason, is_one_of_several=row.is_one_of_several, confirmed=False
        )
    launches = min(again.difference.launches)
    is_slower = again.decision == "slower"
    decision: Decision = again.decision if again.decision in ("slower", "same") else "unproven"
    words = [at_first, f"{'and' if is_slower else 'not'} in {launches} fresh launches{' too' if is_slower else ''}"]
    return replace(
        again,
        number=row.number,
        decision=decision,
        reason="; ".join(filter(None, [", ".join(words), row.reason])),
        is_one_of_several=row.is_one_of_several,
        confirmed=is_slower,
    )


def _remarks(side: Side, rows: Sequence[ComparedRow], waiting: int) -> Iterator[str]:
    """``waiting``: suspects that a second look was planned at, and nothing of it is on record."""
    if (status := side.manifest("status")) not in ("done", "failed"):
        yield f"the run is {status}: what it lacks may be what matters"
    suspects = [row for row in rows if row.confirmed is not None]
    if suspects:
        confirmed = sum(bool(row.confirmed) for row in suspects)
        yield (
            f"{len(suspects)} row{'s were' if len(suspects) > 1 else ' was'} slower and measured again in fresh "
            f"launches, which decide: {confirmed} confirmed"
        )
    if waiting:
        yield (
            f"{waiting} row{'s are' if waiting > 1 else ' is'} slower by the first look alone: "
            "the second one is planned and has measured nothing (harness run --resume RUN)"
        )
    ours = side.manifest("toolchain")
    for other in side.results.run.against:
        for abi, program in other.programs.items():
            mine: Any = ours.get(abi) if isinstance(ours, dict) else None
            if program.info and isinstance(mine, dict):
                differs = [key for key in program.info if program.info[key] != mine.get(key)]
                if differs:
                    yield f"{other.title} for {abi} differs from the {CHECKOUT} in {', '.join(differs)}, too"
            elif not program.info:
                yield f"nothing tells with what compiler and flags {other.title} for {abi} was built"
