"""What weakens the rows of a cluster: baselines, best schedules, failures, launches."""

from __future__ import annotations

import math
from collections import defaultdict

from harness.judge import comparison
from harness.model.launches import LEAST_LAUNCHES
from harness.report.counts import few
from harness.report.numbers import ratio_text, share_text
from harness.report.scope import Check, Found, Scope
from harness.report.sentences import baseline_text
from harness.results.aa import off_by
from harness.results.baseline import COPYING
from harness.results.numbers import on_threads
from harness.results.rows import COMPARED, Row
from harness.results.samples import ADDRESSES


def _baseline(scope: Scope) -> Found:
    answers = {cache for category, cache in scope.answering.items() if category in COPYING}
    for row in scope.baselines:
        if row.is_weak:
            yield (
                "baseline" if row.cache in answers else "schedule",
                f"in {row.cache}{on_threads(row.threads)} {baseline_text(row)}: what is said to be faster than the "
                "published im2col owes a part of it to that; go by the ratio of each at its best",
            )


def _schedules(scope: Scope) -> Found:
    """Best schedules that are not: the published form stands for the algorithm at its best there."""
    slower = [
        f"{_named(face.best)} ({face.best.key.cache}, {ratio_text(face.ratio)})"
        for face in scope.faces
        if face.best.role == face.best.algorithm
        and face.best.ran != face.published.ran
        and comparison.is_clearly_slower(face.ratio.value, face.ratio.high)
    ]
    if slower:
        yield (
            "schedule",
            f"{len(slower)} best schedule(s) are slower than the algorithm as published, which stands for it there in "
            f"“each at its best”: {few(slower)}",
        )


def _aa(scope: Scope) -> Found:
    """More of the A/A pairs failed than chance lets fail: the same may be wrong with any ratio here."""
    for summary in scope.aa:
        if summary.verdict == "failed":
            names = [f"{pair.row.key.layer}, off by {share_text(off_by(pair))}" for pair in summary.failed]
            yield (
                "aa",
                f"A/A failed in {summary.cache}{on_threads(summary.threads)}: {len(names)} of {len(summary.judged)} "
                "comparisons of a variant with itself show a difference, more than chance explains: "
                f"{few(names)}",
            )


def _calibration(scope: Scope) -> Found:
    """What the noise floor of an earlier A/A on this device tells of the ratios here."""
    known = scope.device.calibration
    if known is None:
        return
    if scope.device.stale:
        yield (
            "calibration",
            f"its calibration of {known.utc:%Y-%m-%d} is not relied on: {', '.join(scope.device.stale)}",
        )
        return
    failed = [place.cache for place in known.places if place.cluster == scope.cluster and place.verdict == "failed"]
    if failed:
        yield "calibration", f"A/A failed in {' and '.join(failed)} when it was calibrated on {known.utc:%Y-%m-%d}"
    below = [
        f"{row.key.layer} {row.key.variant} ({row.key.cache}, {ratio_text(ratio)} of {other})"
        for row in scope.rows
        for other in COMPARED
        if (ratio := row.ratio(other)) is not None
        and ratio.against_one()
        and (floor := known.floor(scope.cluster, row.key.cache, row.key.threads)) is not None
        and abs(math.log(ratio.value)) < math.log1p(floor)
    ]
    if below:
        yield (
            "calibration",
            f"{len(below)} ratio(s) keep clear of 1 by less than this device's noise floor (harness calibrate, "
            f"{known.utc:%Y-%m-%d}): {few(below)}",
        )


_STATUSES = {
    "wrong": "gave a wrong result and have no time",
    "error": "crashed, hung or failed, and are left out of the means",
    "missing": "were planned and have no sample",
    "unjudged": "have too few valid samples or pairs to be judged, and are left out of the means",
}


def _statuses(scope: Scope) -> Found:
    for status, text in _STATUSES.items():
        names = [f"{_named(row)} ({row.key.cache})" for row in scope.rows if row.status == status]
        if names:
            yield status, f"{len(names)} variant(s) {text}: {few(names)}"


def _foreign(scope: Scope) -> Found:
    """Workers of somebody else: what failed of them is none of our numbers' weakness."""
    found: dict[str, list[Row]] = {}
    for row in scope.foreign:
        found.setdefault(row.role, []).append(row)
    for name, rows in found.items():
        for status, text in _STATUSES.items():
            failed = [row for row in rows if row.status == status]
            if failed:
                where = few([f"{_layer(row)} ({row.key.cache}): {row.reason}" for row in failed], 2)
                yield "worker", f"{name}: {len(failed)} variant(s) {text}: {where}"
    known = {str(layer) for stream in scope.streams for layer in stream.samples.column("algorithm")}
    for name in found:
        if name in known and (silent := _untold(scope, name)):
            yield "worker", f"{name} does not tell of its samples: {', '.join(silent)}; what disturbed them is not seen"


_TOLD = {
    **{"mhz_before": "the clock", "cpu_before": "the CPU", "nivcsw": "context switches", "faults": "page faults"},
    "addresses": "where its buffers lie",
}


def _untold(scope: Scope, name: str) -> list[str]:
    """Evidence that no sample of a worker has."""
    columns = zip(*(v for algorithm, *v in scope.samples("algorithm", *_TOLD) if algorithm == name), strict=True)
    told = zip(_TOLD.values(), columns, strict=True)
    return [words for words, column in told if all(v in (None, -1) or v == ("",) * len(ADDRESSES) for v in column)]


def _launches(scope: Scope) -> Found:
    measured = [row for row in scope.rows if row.observations]
    unsure = [row for row in measured if row.launches < LEAST_LAUNCHES]
    if unsure:
        yield (
            "launches",
            f"{len(unsure)} of {len(measured)} rows have fewer than {LEAST_LAUNCHES} launches: no interval",
        )
    most: dict[str, int] = defaultdict(int)  # where layers have as many as each needs, of that layer alone
    for row in measured:
        place = row.key.layer if scope.in_steps else ""
        most[place] = max(most[place], row.launches)
    of = {id(row): most[row.key.layer if scope.in_steps else ""] for row in measured}
    short = [f"{_named(row)} ({row.launches} of {of[id(row)]})" for row in measured if row.launches < of[id(row)]]
    if short:
        yield "launches", f"{len(short)} rows have fewer launches than the others: {few(short)}"
    published = [row for row in measured if row.algorithm != "naive" and not row.is_best]
    kernels, schedules = {row.kernel for row in published}, {row.schedule for row in published}
    builds = {row.key.build for row in measured}
    if len(kernels) > 1:
        yield "kernels", f"several kernels ran ({', '.join(sorted(kernels))}); means take the one most rows have"
    elif len(schedules) > 1:
        yield (
            "kernels",
            f"several schedules ran as published ({', '.join(sorted(schedules))}); means take the default one",
        )
    if len(builds) > 1:
        yield "builds", f"several builds were measured ({', '.join(sorted(builds))}); means take the first per layer"


def _named(row: Row) -> str:
    return f"{row.key.layer} {row.key.variant}{on_threads(row.key.threads)}"


def _layer(row: Row) -> str:
    return f"{row.key.layer}{on_threads(row.key.threads)}"


OF_ANSWERS: tuple[Check, ...] = (_baseline, _schedules, _aa, _calibration)
OF_ROWS: tuple[Check, ...] = (_statuses, _foreign, _launches)
