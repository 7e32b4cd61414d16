"""Which controls are missing on each device, and in which direction that biases what was measured.

Read off the records. A cause that both sides of a pair share shortens or lengthens times and leaves their ratio; where
it does not, the row says whom it favours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from harness.devices.base import LOCAL
from harness.judge import gate, sample, worker
from harness.model.policy import PhoneSettings
from harness.report.counts import alike, share
from harness.results.results import Results
from harness.results.run import DeviceData
from harness.results.stream import R
from harness.results.verdicts import CAP
from harness.store import records
from harness.store.system_records import Telemetry

_LONGER = "too long where it happens"
_SHARED = "too long while other programs run"
_ALIKE = "none on average: pairs of a round share it; wider intervals"
_COPY_CHEAPER = "towards im2col: at a lower clock memory takes fewer cycles, and its copy is memory's work"


@dataclass(frozen=True)
class Missing:
    """One control: what is missing of it, and the direction of the bias on times and on ratios."""

    control: str
    why: str
    times: str
    ratios: str


@dataclass(frozen=True)
class MissingOf:
    """All of a device."""

    place: str
    mark: str  # EMULATED, other conditions, or nothing
    missing: list[Missing]


Found = Iterator[Missing]
Look = Callable[[DeviceData, PhoneSettings], Found]


def find_missing(results: Results) -> list[MissingOf]:
    """Of each device that was measured, in the order of the run; a device that lacks none has an empty list."""
    wanted = results.measured_by.settings
    found = []
    for device in results.run.devices:
        if device.streams:
            missing = [each for look in _LOOKS for each in look(device, wanted)]
            if not results.verdicts.policy.verdicts:
                missing.append(Missing("Verdicts", "the policy judges no sample: all count", _LONGER, _ALIKE))
            found.append(MissingOf(device.model, device.mark, missing))
    return found


def _cpu(device: DeviceData, _: PhoneSettings) -> Found:
    if device.emulated:
        yield Missing("A CPU of its own", "the CPU is emulated", "mean nothing", "mean nothing")


def _priority(device: DeviceData, _: PhoneSettings) -> Found:
    told = [each.nice for each in _workers(device)]
    known = [nice for nice in told if nice is not None]
    if not known:
        yield Missing("Priority", "it is not known: these records do not tell it", _SHARED, _ALIKE)
    elif max(known) >= 0:
        got = f"{sum(nice >= 0 for nice in known)} of {len(known)} workers ran with a nice value of {max(known)}"
        yield Missing("Priority", f"it could not be raised: {got}", _SHARED, _ALIKE)


def _pinning(device: DeviceData, _: PhoneSettings) -> Found:
    count, moved = _count(device), _counted(device, sample.repinned)
    if moved:
        why = f"the system took the CPU away or moved threads in {share(moved, count)}; they were taken anew"
        yield Missing("Pinning", why, "none: no sample of another CPU counts", "none")
    for label, why in device.out_of_reach.items():
        yield Missing("Pinning", f"CPUs {label}: {why}", "none: it was not measured then", "none")


def _clock(device: DeviceData, _: PhoneSettings) -> Found:
    every = _workers(device)
    bad = [each for each in every if worker.lacks_clock(each)]
    if bad:
        reasons = alike(each.clock.reason or "no reason given" for each in bad)
        why = f"it cannot be read in {len(bad)} of {len(every)} workers: {reasons}"
        yield Missing("Clock under load", why, "too long where it sinks unseen; no share of peak", _ALIKE)


def _caps(device: DeviceData, _: PhoneSettings) -> Found:
    names = {name for reading in _of(device, Telemetry) for name, khz in reading.freq_khz.items() if khz}
    if not any(name.endswith(CAP) for name in names):
        yield Missing(
            "Caps on the clock",
            "the system's cap (scaling_max_freq) cannot be read",
            "too long where a cap is set",
            _COPY_CHEAPER,
        )


def _fixed(device: DeviceData, wanted: PhoneSettings) -> Found:
    if device.name == LOCAL:
        why = "this machine's governor sets the clocks"
    elif not wanted.fixed_performance:
        why = "it was not asked for (policy: settings.fixed_performance)"
    elif "fixed_performance" in device.refused:
        why = f"the phone refused it{_said(device, 'fixed_performance')}"
    else:
        return
    yield Missing(
        "Clocks that last",
        f"no fixed performance mode: {why}",
        "too short for what lasts: a cool device boosts",
        _ALIKE,
    )


def _heat(device: DeviceData, _: PhoneSettings) -> Found:
    gates = _of(device, records.Gate)
    blind = list(filter(gate.is_blind, gates))
    hot = "too long where it throttles"
    if blind or not gates:
        told = f"neither a temperature nor the clock was to be had before {len(blind)} of {len(gates)} launches"
        why = told if gates else "no heat gate is on record"
        yield Missing("A cool start", why, hot, _COPY_CHEAPER)
    for ending, test in (("at its cap", gate.reached_its_cap), ("with its share of the time", gate.ran_out_of_share)):
        if warm := list(filter(test, gates)):
            why = f"the wait gave up {ending} before {len(warm)} of {len(gates)} launches"
            yield Missing("A cool start", why, hot, _COPY_CHEAPER)


def _screen(device: DeviceData, wanted: PhoneSettings) -> Found:
    if device.name == LOCAL:
        return
    if not wanted.stay_awake:
        why = "it was not asked for (policy: settings.stay_awake)"
    elif "stay_awake" in device.refused:
        why = f"the phone refused it{_said(device, 'stay_awake')}"
    else:
        return
    yield Missing("Kept awake", why, "too long once the screen is dark: fewer and slower cores", _COPY_CHEAPER)


def _evidence(device: DeviceData, _: PhoneSettings) -> Found:
    missing = [
        words
        for words, column in (("CPU time", "cpu_ns"), ("throughput of the core", "gflops_before"))
        if all(value is None for stream in device.streams for value in stream.samples.column(column))
    ]
    if missing and _count(device):
        why = f"{' and '.join(missing)} beside samples cannot be read"
        yield Missing("Other programs", why, "too long where others take the core or press on memory", _ALIKE)


def _shared_calls(device: DeviceData, _: PhoneSettings) -> Found:
    most = max((threads for stream in device.streams for threads in stream.samples.column("threads")), default=1)
    if most > 1:
        why = f"a call on up to {most} threads is not seen to be interrupted: the CPU time is that of one of them"
        yield Missing("Other programs on shared calls", why, f"{_SHARED}: a call waits for its last thread", _ALIKE)


def _cache(device: DeviceData, _: PhoneSettings) -> Found:
    if any(stream.header.caches.llc_assumed or stream.header.caches.llc_capped for stream in device.streams):
        yield Missing(
            "Size of the last-level cache",
            "the system does not tell it, or it is over 64 MiB",
            "in rotate too short where it is larger than assumed",
            "in rotate towards im2col: its matrix is the largest of what stays in the cache then",
        )


_LOOKS: tuple[Look, ...] = (
    _cpu,
    _priority,
    _pinning,
    _clock,
    _caps,
    _fixed,
    _heat,
    _screen,
    _evidence,
    _shared_calls,
    _cache,
)


def _said(device: DeviceData, setting: str) -> str:
    return f": {why}" if (why := device.refused[setting]) else ""


def _workers(device: DeviceData) -> list[records.Worker]:
    """Our own: what others tell of themselves is theirs."""
    return [
        each for stream in device.streams for each in stream.of(records.Worker) if each.build == stream.header.build
    ]


def _of(device: DeviceData, kind: type[R]) -> list[R]:
    return [each for stream in device.streams for each in stream.of(kind)]


def _count(device: DeviceData) -> int:
    return sum(len(stream.samples) for stream in device.streams)


def _counted(device: DeviceData, test: Callable[[sample.Evidence], sample.Flags]) -> int:
    return sum(int(np.count_nonzero(test(stream.samples.evidence))) for stream in device.streams)
