"""What the system said beside each sample: screen, battery saver, thermal status, frequencies of the round."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.judge.verdict import Numbers
from harness.model.phone_state import power_state, thermal_state
from harness.results.stream import Stream
from harness.store.system_records import State, Telemetry

_LEAST_ROUND_MS = 200  # of 10 ms ticks: what is shorter tells nothing of a tenth of the clock
_SLACK_NS = 20_000_000  # two ticks, by which a round's time may be short


@dataclass(frozen=True)
class SystemState:
    """Columns as long as the samples, NaN where unknown.

    ``asleep``, ``saving``: 1 where the readings before and after say so, 0 where they do not, a half where it changed
    in between.
    """

    asleep: Numbers
    saving: Numbers
    thermal_status: Numbers
    round_khz: Numbers


def system_state(stream: Stream) -> SystemState:
    """Of all samples of a run of convbench."""
    t_ns = np.array(stream.samples.column("t_ns"), dtype=np.int64)
    states = sorted(stream.of(State), key=lambda state: state.t_ns)
    power = [power_state(state.said.get("power") or ()) for state in states]
    thermal = [thermal_state(state.said.get("thermalservice") or ()) for state in states]
    at = np.array([state.t_ns for state in states], dtype=np.int64)
    asleep = _beside(at, [_number(None if each.awake is None else not each.awake) for each in power], t_ns)
    saving = _beside(at, [_number(each.saving) for each in power], t_ns)
    status = _beside(at, [_number(each.believed) for each in thermal], t_ns)
    with np.errstate(all="ignore"):
        return SystemState(_mean(*asleep), _mean(*saving), np.fmax(*status), _round_khz(stream, t_ns))


def mean_khz(states: dict[str, int]) -> float:
    """The mean frequency of a round, in kHz, by the milliseconds at each; NaN for too few, and for what cannot be."""
    total = sum(states.values())
    if total < _LEAST_ROUND_MS:
        return math.nan
    try:
        return sum(int(khz) * (ms / total) for khz, ms in states.items())
    except (ValueError, OverflowError):
        return math.nan


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _beside(at: NDArray[np.int64], values: Sequence[float], t_ns: NDArray[np.int64]) -> tuple[Numbers, Numbers]:
    """The readings before and after each sample; NaN where there is none."""
    readings = np.array([math.nan, *values, math.nan], dtype=np.float64)
    place = np.searchsorted(at, t_ns, side="right")
    return readings[place], readings[place + 1]


def _mean(before: Numbers, after: Numbers) -> Numbers:
    """Of those that are known."""
    both = (before + after) / 2
    return np.where(np.isnan(both), np.fmax(before, after), both)


def _round_khz(stream: Stream, t_ns: NDArray[np.int64]) -> Numbers:
    """Of the round that each sample lies in: the first record after it tells of it, where it reaches back so far."""
    ends, starts, means = [], [], []
    for record in stream.of(Telemetry):
        known = [states for states in record.states_ms.values() if states]
        if len(known) == 1:
            ends.append(record.t_ns)
            starts.append(record.t_ns - sum(known[0].values()) * 1_000_000 - _SLACK_NS)
            means.append(mean_khz(known[0]))
    found: Numbers = np.full(len(t_ns), np.nan)
    if ends:
        order = np.argsort(ends, kind="stable")
        place = np.minimum(np.searchsorted(np.array(ends)[order], t_ns), len(ends) - 1)
        inside = (t_ns <= np.array(ends)[order][place]) & (t_ns >= np.array(starts)[order][place])
        found = np.where(inside, np.array(means)[order][place], np.nan)
    return found
