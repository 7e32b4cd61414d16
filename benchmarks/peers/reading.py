"""What a setting's records tell: samples, empty calls, peaks, modes, what was not measured, and how calm it was."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from statistics import median

from benchmarks.peers.findings import EMPTY, OURS, Findings, Sample
from harness.judge import sample as judge
from harness.model.thresholds import Thresholds
from harness.results.stream import Stream
from harness.store import records


def take(findings: Findings, stream: Stream, threads: int, together: float | None) -> None:
    """Adds a setting's records. ``together``: FLOP per cycle of all its CPUs at once over that of one, NaN where
    unknown; None: no peer is to be judged by the peak.
    """
    reasons = dict(_unmeasured(stream))
    empty: dict[tuple[str, int], float] = {}
    for s in stream.samples:
        if s.layer == EMPTY:
            key = (s.variant, s.launch)
            empty[key] = min(s.ns, empty.get(key, math.inf))
    for (variant, _), ns in sorted(empty.items(), key=lambda item: item[0][1]):
        findings.empty_ns.setdefault((threads, variant), []).append(ns)
    told = {variant for variant, _ in empty}
    for s in stream.samples:
        name = _name(s)
        if s.layer == EMPTY or (s.build != OURS and name not in told):
            continue
        findings.samples.append(Sample(name, s.layer, threads, s.launch, s.round, s.ns))
    for (layer, name), reason in reasons.items():
        if layer == EMPTY:
            findings.skipped[threads, "", name] = f"empty call: {reason}"
        elif (threads, "", name) not in findings.skipped and (EMPTY, name) not in reasons:
            findings.skipped[threads, layer, name] = reason
    _take_objects(findings, stream, threads)
    if together is not None:
        _take_peaks(findings, stream, threads, together)
    findings.notes.append(f"{threads} thread(s): {calm(stream)}")


def _name(of: records.Sample | records.Layer | records.Check | records.Skip | records.Error) -> str:
    """Of a variant: a peer's, or ``ours ALGORITHM/SCHEDULE`` as it was asked for."""
    return f"{OURS} {of.variant}" if of.build == OURS else of.algorithm


def _unmeasured(stream: Stream) -> Iterator[tuple[tuple[str, str], str]]:
    """(layer, variant) and the reason, the first one that there was comes last."""
    items = [item for item in stream.items if isinstance(item, records.Skip | records.Error | records.Check)]
    for item in reversed(items):
        if not isinstance(item, records.Check):
            yield (item.layer, _name(item)), item.reason
        elif not item.ok:
            error = item.error_over_bound
            times = "no number" if error is None else f"{error:.3g} times the error that is allowed"
            yield (item.layer, _name(item)), f"its result is wrong: {times}"


def _take_objects(findings: Findings, stream: Stream, threads: int) -> None:
    """Errors, and the mode of each launch: a peer's as it tells it, of ours what ran."""
    for check in stream.of(records.Check):
        if check.layer != EMPTY and check.error_over_bound is not None:
            key = (threads, check.layer, _name(check))
            findings.errors[key] = max(check.error_over_bound, findings.errors.get(key, 0.0))
    for made in stream.of(records.Layer):
        if made.layer != EMPTY:
            mode = f"{made.algorithm}/{made.schedule}" if made.build == OURS else made.kernel
            findings.modes.setdefault((threads, made.layer, _name(made)), []).append(mode)


def _take_peaks(findings: Findings, stream: Stream, threads: int, together: float) -> None:
    """A reading for each launch and layer: FLOP per cycle of the launch's probe at the clock around our samples of so
    many threads."""
    peaks = {w.launch: w.peak for w in stream.of(records.Worker) if w.build == OURS}
    clocks: dict[tuple[int, str], list[float]] = defaultdict(list)
    for s in stream.samples:
        if s.build == OURS and s.threads == threads and s.mhz_before and s.mhz_after:
            clocks[s.launch, s.layer].append((s.mhz_before + s.mhz_after) / 2)
    for (launch, layer), mhz in clocks.items():
        peak = peaks.get(launch)
        flop = peak.flop_per_cycle if peak and peak.ok else None
        reading = math.nan if flop is None else flop * median(mhz) / 1e3 * together
        findings.peaks.setdefault(threads, []).append(reading)
        findings.peaks_of.setdefault((threads, layer), []).append(reading)
    if findings.known_core and not any(map(math.isfinite, findings.peaks.setdefault(threads, []))):
        findings.notes.append(f"no peer is judged at {threads} thread(s): no reading of the FMA peak is believed")


def calm(stream: Stream) -> str:
    """What disturbed the samples, in a few words."""
    evidence, count = stream.samples.evidence, len(stream.samples)
    found = {
        "whose work was interrupted": judge.switched(evidence),
        "with page faults": judge.faulted(evidence),
        "whose clock moved": judge.clock_moved(evidence, Thresholds().most_clock_change),
        "not settled at the cap": judge.settling_capped(evidence),
    }
    told = [f"{int(flags.sum())} {what}" for what, flags in found.items() if count and flags.any()]
    return f"{count} samples, {', '.join(told) or 'none disturbed'}"
