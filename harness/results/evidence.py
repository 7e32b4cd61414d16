"""What evidence a cluster's records have, what they lack and why, and what it cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from harness.judge import sensor
from harness.judge.sample import Evidence, Flags, clock_known
from harness.model.counters import WORDS, CounterError
from harness.model.phone_state import power_state, thermal_state
from harness.results.run import DeviceData
from harness.results.stream import Stream
from harness.results.verdicts import CAP
from harness.store import records
from harness.store.system_records import State, Telemetry

_MOST_SHOWN = 5  # frequencies, zones, reasons


@dataclass(frozen=True)
class Cost:
    """Seconds that evidence took: of workers beside their samples, of the conductor between them and between jobs."""

    beside_s: float
    between_s: float
    elapsed_s: float  # of measuring: the jobs, and what was asked between them; no waits at gates

    @property
    def share(self) -> float:
        """Of the time of measuring."""
        return (self.beside_s + self.between_s) / self.elapsed_s


@dataclass(frozen=True)
class SourceLine:
    """One source: what is known of it (``12 of 13 samples``), and why no more."""

    name: str
    known: str
    why: str = ""


def cost_of(streams: Sequence[Stream]) -> Cost | None:
    """Of one cluster; None where its records do not tell."""
    beside = [ns for stream in streams for ns in stream.samples.column("probe_ns") if ns is not None]
    between = [r.took_ns for stream in streams for r in stream.of(Telemetry) if r.took_ns is not None]
    asked = [r.took_ns for stream in streams for r in stream.of(State) if r.took_ns is not None]
    elapsed_s = sum(job.elapsed_s for stream in streams for job in stream.of(records.Job)) + sum(asked) / 1e9
    return Cost(sum(beside) / 1e9, sum(between + asked) / 1e9, elapsed_s) if beside and elapsed_s > 0 else None


def lines_of(device: DeviceData, streams: Sequence[Stream]) -> list[SourceLine]:
    """Every source, in the order in which a reader trusts them; empty without samples."""
    if not any(len(stream.samples) for stream in streams):
        return []
    return [*_of_samples(streams), _counters(streams), *_of_telemetry(device, streams), *_of_states(device, streams)]


def power_changed(streams: Sequence[Stream]) -> bool:
    """Whether the device was fed at one time and not at another."""
    states = (power_state(state.said.get("power") or ()) for stream in streams for state in stream.of(State))
    return len({each.powered for each in states} - {None}) > 1


_SAMPLE_SOURCES: tuple[tuple[str, Callable[[Evidence], Flags]], ...] = (
    ("clock, by a probe", clock_known),
    ("throughput of the core", lambda e: np.isfinite(e.gflops_before) & np.isfinite(e.gflops_after)),
    ("bandwidth of memory", lambda e: np.isfinite(e.gbps_before) & np.isfinite(e.gbps_after)),
    ("CPU number", lambda e: np.asarray((e.cpu_before >= 0) & (e.cpu_after >= 0))),
    ("CPU time", lambda e: np.isfinite(e.cpu_ns) & np.isfinite(e.span_ns)),
    ("context switches", lambda e: np.asarray(e.nivcsw >= 0)),
    ("page faults", lambda e: np.asarray(e.faults >= 0)),
)


def _of_samples(streams: Sequence[Stream]) -> Iterator[SourceLine]:
    evidence = Evidence.joined([stream.samples.evidence for stream in streams])
    clocks = [worker.clock.reason for stream in streams for worker in stream.of(records.Worker)]
    why = {
        "clock, by a probe": _few(reason for reason in clocks if reason) or "it was not believed, or not told",
        "bandwidth of memory": "read where layers outgrow the L2 cache, and in rotate",
    }
    total = len(evidence.cpu_before)
    for name, test in _SAMPLE_SOURCES:
        known = int(np.count_nonzero(test(evidence)))
        yield SourceLine(name, _of(known, total, "samples"), why.get(name, "not told") if known < total else "")


def _counters(streams: Sequence[Stream]) -> SourceLine:
    told = Counter(number for stream in streams for number in stream.samples.column("count_error"))
    total = told.total()
    reasons = [f"{WORDS[CounterError(n)]} ({count} samples)" for n, count in told.items() if n]
    for worker in (worker for stream in streams for worker in stream.of(records.Worker) if worker.counters):
        counters = worker.counters
        if counters is not None and counters.error:
            kind = next((kind for kind in CounterError if kind.word == counters.error), None)
            reasons.append(f"{counters.reason}: {WORDS[kind]}" if kind in WORDS else counters.reason)
    return SourceLine("hardware counters", _of(told[CounterError.OK], total, "samples"), _few(reasons))


def _of_telemetry(device: DeviceData, streams: Sequence[Stream]) -> Iterator[SourceLine]:
    telemetry = [record for stream in streams for record in stream.of(Telemetry)]
    probed = {name: why for name, _, why in device.sources if why}
    policies = dict.fromkeys(name.split("/")[0] for record in telemetry for name in record.freq_khz)
    why_not = {name: why for record in telemetry for name, why in record.why.items() if why}
    caps = [khz for record in telemetry for name, khz in record.freq_khz.items() if name.endswith(CAP)]
    none = _few(why for name, why in probed.items() if name.startswith("cpufreq"))
    reasons = _few([*(why_not.get(f"{p}{CAP}", "") for p in policies), none])
    yield SourceLine("cap of the clock", _of(len(_known(caps)), len(caps), "readings"), reasons)
    rounds = [(name, states) for record in telemetry for name, states in record.states_ms.items()]
    spent: Counter[str] = Counter()
    for _, states in rounds:
        spent.update(states or {})
    moved = sum(bool(states) for _, states in rounds)
    frozen = "it stood still: unknown" if rounds and not moved else ""
    lacking = [why for name, why in {**probed, **why_not}.items() if name.endswith("/time_in_state")]
    shares = ", ".join(
        f"{_mhz(khz)} MHz {100 * ms / spent.total():.0f} %" for khz, ms in (+spent).most_common(_MOST_SHOWN)
    )
    yield SourceLine(
        "time at each frequency",
        f"{_of(moved, len(rounds), 'rounds')}{f': {shares}' if shares else ''}",
        frozen or _few([*lacking, none]) if moved < len(rounds) or not rounds else "",
    )
    yield _zones(telemetry, probed, why_not)


def _zones(telemetry: Sequence[Telemetry], probed: dict[str, str], why_not: dict[str, str]) -> SourceLine:
    readings: dict[str, list[float]] = {}
    for record in telemetry:
        for name, celsius in record.temp_c.items():
            readings.setdefault(name, []).extend(_known([celsius]))
    silent = [f"{name}: {why_not.get(name, 'no reading')}" for name, values in readings.items() if not values]
    frozen = [name for name, values in readings.items() if values and sensor.is_frozen(values)]
    still = f"{len(frozen)} never moved, which is unknown and not cool" if frozen else ""
    why = _few([*silent, still, "" if readings else probed.get("thermal zones", "no zone is read")])
    return SourceLine("temperatures", _of(len(readings) - len(silent) - len(frozen), len(readings), "zones"), why)


def _of_states(device: DeviceData, streams: Sequence[Stream]) -> Iterator[SourceLine]:
    states = [state for stream in streams for state in stream.of(State)]
    why = {name: reason for name, _, reason in device.sources if reason}
    why |= {name: reason for state in states for name, reason in state.why.items()}
    power = [power_state(state.said.get("power") or ()) for state in states]
    thermal = [thermal_state(state.said.get("thermalservice") or ()) for state in states]
    asked = {name for name, _, _ in device.sources} | {name for state in states for name in state.said}
    for name, service, values in (
        ("screen", "power", [each.wakefulness for each in power]),
        ("battery saver", "power", [_word(each.saving, "on", "off") for each in power]),
        ("charger", "power", [_word(each.powered, "fed", "not fed") for each in power]),
        ("thermal status", "thermalservice", [_word_of(each.believed) for each in thermal]),
    ):
        known = [value for value in values if value is not None]
        reason = why.get(service, "it does not say" if service in asked else "not asked: it is no Android")
        seen = ", ".join(f"{value} {count}" for value, count in Counter(known).most_common(_MOST_SHOWN))
        text = f"{_of(len(known), len(values), 'readings')}{f' ({seen})' if seen else ''}"
        yield SourceLine(name, text, reason if len(known) < len(values) or not values else "")
    boots = {stream.header.boot_id for stream in streams}
    known_boots = len(boots - {""})
    yield SourceLine("boot id", "known" if known_boots else "unknown", "the device restarted" * (known_boots > 1))


def _word(value: bool | None, yes: str, no: str) -> str | None:
    return None if value is None else yes if value else no


def _word_of(status: int | None) -> str | None:
    names = ("none", "light", "moderate", "severe", "critical", "emergency", "shutdown")
    return None if status is None else names[status]


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _of(known: int, total: int, what: str) -> str:
    return f"{known} of {total} {what}" if total else "none"


def _mhz(khz: str) -> str:
    return str(int(khz) // 1000) if khz.isascii() and khz.isdigit() and len(khz) < 12 else "?"


def _few(reasons: Iterable[str]) -> str:
    """Each once."""
    every = list(dict.fromkeys(reason for reason in reasons if reason))
    return "; ".join(every[:_MOST_SHOWN]) + ("; ..." if len(every) > _MOST_SHOWN else "")
