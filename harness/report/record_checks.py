"""What weakens the records of a cluster: cut attempts, lost lines and rounds, heat, clocks, evidence of samples."""

from __future__ import annotations

import numpy as np

from harness.judge import cost, gate, placement, rounds, sample, sensor, worker
from harness.model.phone_state import power_state
from harness.report.counts import alike, celsius, few, share
from harness.report.scope import Check, Found, Scope
from harness.results.evidence import cost_of, power_changed
from harness.results.samples import ADDRESSES
from harness.results.verdicts import CAP
from harness.store import records
from harness.store.system_records import State, Telemetry

_WHOLE_CAP = 0.98  # of the highest clock: less is a cap
_MOVES_WITHIN = 10  # readings between rounds, under load


def _attempts(scope: Scope) -> Found:
    for stream in scope.streams:
        attempt, end = stream.header.attempt, stream.end
        if end is None:
            yield "incomplete", f"attempt {attempt} has no end record: it was cut off; its samples are counted"
        elif end.reason != "done":
            yield "incomplete", f"attempt {attempt} was stopped before its end ({end.reason}); its samples are counted"


def _lines(scope: Scope) -> Found:
    for stream in scope.streams:
        attempt, gaps = stream.header.attempt, stream.gaps
        if gaps:
            count = sum(last - first + 1 for first, last in gaps)
            spans = few([f"{first}" if first == last else f"{first} to {last}" for first, last in gaps])
            yield "lines", f"attempt {attempt}: {count} line(s) of its records are missing (seq {spans})"
        if stream.surplus:
            yield "lines", f"attempt {attempt}: {stream.surplus} line(s) of its records are too many or there twice"


def _rounds(scope: Scope) -> Found:
    jobs = [job for stream in scope.streams for job in stream.of(records.Job)]
    cut = [job for job in jobs if job.rounds < job.rounds_planned]
    if cut:
        lost = sum(job.rounds_planned - job.rounds for job in cut)
        layers = sorted({job.layer for job in cut})
        yield (
            "budget",
            f"the time budget cut {lost} rounds in {len(cut)} of {len(jobs)} jobs (a layer in a launch): {few(layers)}",
        )
    names = sorted(f"{layer} {variant}" for layer, variant in rounds.short_of_rounds(scope.samples(*rounds.SAMPLE)))
    if names:
        yield "rounds", f"rounds are missing that other variants of the layer and launch have: {few(names)}"


def _apart(scope: Scope) -> Found:
    """Samples that a later attempt took in rounds that were measured already: pairs are made within one process."""
    attempts = [stream.samples.zip(*rounds.SAMPLE) for stream in scope.streams if len(stream.samples)]
    apart = {
        f"{layer} {variant} in launch {launch + 1}": count
        for (layer, variant, launch), count in rounds.measured_apart(attempts).items()
    }
    if apart:
        names = [f"{name} ({count} sample{'s' * (count != 1)})" for name, count in sorted(apart.items())]
        yield (
            "apart",
            "measured in another attempt than the others of the same rounds, and in no ratio with those there: "
            f"{few(names)}",
        )


def _gate(scope: Scope) -> Found:
    gates = [each for stream in scope.streams for each in stream.of(records.Gate)]
    if scope.streams and not gates:
        yield "gate", "no heat gate is on record"
    for why, test in (("at its cap", gate.reached_its_cap), ("with its share of the time", gate.ran_out_of_share)):
        gave_up = list(filter(test, gates))
        if gave_up:
            ends = few([_ends(each) for each in gave_up], 2)
            yield "gate", f"the heat gate gave up {why} before {len(gave_up)} of {len(gates)} launches ({ends})"
    settled = list(filter(gate.is_settled_low, gates))
    if settled:
        low = few([f"launch {g.launch + 1}: {_mhz(g.mhz)} instead of {_mhz(g.cool_mhz)}" for g in settled], 2)
        yield "gate", f"the device rested, and its clock under load had sunk for good ({low})"
    moved = list(filter(gate.has_moved, gates))
    if moved:
        places = few([f"launch {g.launch + 1}: {celsius(g.plateau)} to {celsius(g.learned)}" for g in moved], 2)
        yield "gate", f"the device came to rest elsewhere in the middle of the run ({places})"
    for hot in (each for each in gates if gate.is_hotter_than_ever(each)):
        known = f"hotter than in any run before ({celsius(hot.baseline)})"
        yield "gate", f"the device rested at {celsius(hot.learned)}, {known}"
    unjudged = list(filter(gate.is_unjudged, gates))
    if unjudged:
        yield "gate", f"{_unjudged(unjudged[0])} ({len(unjudged)} of {len(gates)} launches)"
    by_clock = list(filter(gate.is_by_clock_alone, gates))
    if by_clock:
        clock = "clock under load" if all(each.clock == "probe" for each in by_clock) else "clock that the system tells"
        why = f"no source of temperature was found: the {clock} alone decided"
        yield "gate", f"{why} when {len(by_clock)} of {len(gates)} launches began"
    blind = list(filter(gate.is_blind, gates))
    if blind:
        none = gate.never_had_a_source(blind[0])
        why = "no source of temperature was found" if none else "the source of temperature failed"
        why += ", and no clock could be believed" if blind[0].clock is not None else ""
        yield "gate", f"{why}: {len(blind)} of {len(gates)} launches did not wait for a cool device"


def _ends(record: records.Gate) -> str:
    return f"launch {record.launch + 1}: {celsius(record.start)} to {celsius(record.end)} in {record.waited_s:.0f} s"


def _mhz(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.0f} MHz"


def _unjudged(record: records.Gate) -> str:
    if record.cap_s is None or record.window_s is None:
        return "start temperature not judged"
    return f"start temperature not judged: cap of {record.cap_s:g} s shorter than the {record.window_s:g} s window"


def _clock(scope: Scope) -> Found:
    workers = scope.workers
    bad = list(filter(worker.lacks_clock, workers))
    if bad:
        reasons = alike(each.clock.reason or "no reason given" for each in bad)
        yield "clock", f"the clock probe was not available in {len(bad)} of {len(workers)} workers: {reasons}"
    weak = list(filter(worker.lacks_peak, workers))
    if weak:
        reasons = alike(each.peak.reason or "not within 5 % of whole FMAs per cycle" for each in weak)
        yield "peak", f"no share of peak from {len(weak)} of {len(workers)} workers: {reasons}"
    known = scope.counted(sample.clock_known)
    moved = scope.counted(sample.clock_moved)
    if moved:
        yield _by_share("clock", moved, known), f"the clock moved by over 5 % within {share(moved, known)}"
    evidence = [stream.samples.evidence for stream in scope.streams]
    clocks = np.concatenate([each.mhz_after[sample.clock_known(each)] for each in evidence] or [np.empty(0)])
    if len(clocks) and sample.clock_wandered(low := float(clocks.min()), high := float(clocks.max())):
        yield "clock", f"the clock was not the same throughout: {low:.0f} to {high:.0f} MHz over the samples"


def _cap(scope: Scope) -> Found:
    """A cap that stands all the time taints no sample: all are alike. One that falls does."""
    readings = (reading for stream in scope.streams for reading in stream.of(Telemetry))
    caps = [khz for each in readings for name, khz in each.freq_khz.items() if khz and name.endswith(CAP)]
    named = [each.get("max_khz") for each in scope.device.clusters if each.get("label") == scope.cluster]
    highest = max((khz for khz in named if isinstance(khz, int)), default=0)
    if caps and max(caps) < _WHOLE_CAP * highest:
        text = f"at most {max(caps) / 1e3:.0f} of {highest / 1e3:.0f} MHz"
        yield "clock", f"the system capped the clock throughout: {text}"


# Kind, words before the count of samples, test.
_SAMPLE_TESTS = (
    ("settle", "the settling before the sample hit its cap in", sample.settling_capped),
    ("affinity", "the CPU changed (cpu_before is not cpu_after) in", sample.cpu_changed),
    ("affinity", "the CPU was taken away and the sample taken anew in", sample.repinned),
    ("short", "the window was shorter than the policy's minimum in", sample.window_short),
    ("switches", "the kernel switched to other work (involuntary context switch) in", sample.switched),
    ("faults", "pages were faulted in during", sample.faulted),
)


def _samples(scope: Scope) -> Found:
    for kind, text, test in _SAMPLE_TESTS:
        count = scope.counted(test)
        if count:
            heavy = _by_share(kind, count, scope.count) if kind == "switches" else kind
            yield heavy, f"{text} {share(count, scope.count)}"


def _placement(scope: Scope) -> Found:
    found = placement.unmoved(scope.samples("layer", "variant", "addresses"))
    still = [f"{layer} {variant} {ADDRESSES[buffer]}" for layer, variant, buffer in found]
    if still:
        yield "placement", f"{len(still)} buffer(s) lay at one address in all samples: {few(still)}"


def _caches(scope: Scope) -> Found:
    headers = [stream.header for stream in scope.streams]
    if any(header.caches.llc_assumed for header in headers):
        size = max(header.caches.llc for header in headers)
        yield "llc", f"the last-level cache was assumed to be {size / 2**20:.0f} MiB: the system does not tell"
    if any(header.caches.llc_capped for header in headers):
        yield "llc", "the last-level cache is larger than 64 MiB: rotate went through copies for 64 MiB only"


def _evidence(scope: Scope) -> Found:
    spent = cost_of(scope.streams)
    if spent is not None and cost.is_dear(spent.share):
        yield "evidence", f"evidence took {100 * spent.share:.1f} % of the time of measuring"
    for source in dict.fromkeys(each.source for stream in scope.streams for each in stream.of(records.Gate)):
        telemetry = (reading for stream in scope.streams for reading in stream.of(Telemetry))
        read = [celsius for each in telemetry if (celsius := each.temp_c.get(source)) is not None]
        if len(read) >= _MOVES_WITHIN and sensor.is_frozen(read):
            yield "gate", f"the temperature that gates went by ({source}) never moved: unknown, not cool"
    states = [state for stream in scope.streams for state in stream.of(State)]
    awake = [power_state(state.said.get("power") or ()).awake for state in states]
    if False in awake and True not in awake:
        yield "screen", "the screen was off throughout: systems take cores away then and lower clocks"
    if power_changed(scope.streams):
        yield "charger", "the device was fed at one time and not at another: charging heats it"


def _by_share(kind: str, count: int, total: int) -> str:
    """The kind, or ``disturbed`` where so many samples are concerned that a quiet device may answer otherwise."""
    return "disturbed" if sample.is_many(count, total) else kind


OF_ATTEMPTS: tuple[Check, ...] = (_attempts, _lines)
OF_SERIES: tuple[Check, ...] = (_gate, _placement, _caches, _evidence)
OF_MEASURING: tuple[Check, ...] = (_rounds, _apart, _gate, _clock, _cap, _samples, _placement, _caches, _evidence)
