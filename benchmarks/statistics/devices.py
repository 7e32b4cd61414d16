"""Kinds of simulated devices: what each does to time and evidence, beside the recorded noise.

Shares and rates were chosen once, from what issue trackers and data sheets tell of phones, and not by any result.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.statistics.noise import Numbers
from benchmarks.statistics.streams import WINDOW_NS, Streams

LEVELS = np.log([1.0, 0.94, 0.86, 0.75])  # of the clock: a governor's steps
_STEP = 1 / 8  # chance of another level, a sample
_WARMTH_C, _TRIP_C, _CLEAR_C = 1.2, 12.0, 8.0  # a sample heats by; the clock falls from; it rises from
_LOSS = 0.04  # of the warmth above rest that goes, a sample
_THROTTLE = np.log(0.88)  # a step of throttling
_LEAST_CLOCK = np.log(0.6)
_HIT, _TAIL = 0.1, 1.5  # samples with a heavy tail, and its exponent
_STRUCK = (0.30, 0.05)  # samples of A, of B

Effect = Callable[[Streams, np.random.Generator], None]


@dataclass(frozen=True)
class Kind:
    """A kind of device: how it is told in a table, and what it does."""

    name: str
    says: str
    effects: tuple[Effect, ...] = ()

    def make(self, streams: Streams, rng: np.random.Generator) -> Streams:
        """The streams on such a device; those given are changed."""
        for effect in self.effects:
            effect(streams, rng)
        return streams


def _timeline(streams: Streams, values: Numbers) -> Numbers:
    """Values by stream and slot in time, as by stream, launch, round and position."""
    return values[:, streams.slots]


def _clock(streams: Streams, before: Numbers, after: Numbers, share: Numbers) -> None:
    """The clock is exp(before) of its own at a sample's start, exp(after) at its end, from ``share`` of it on."""
    for name, log in (("before", before), ("after", after)):
        streams.evidence[f"mhz_{name}"] *= np.exp(log)
        streams.evidence[f"gflops_{name}"] *= np.exp(log)
    streams.log_ns -= np.log(share * np.exp(before) + (1 - share) * np.exp(after))


def drift(streams: Streams, rng: np.random.Generator) -> None:
    """Up to 20 % slower or faster from the run's start to its end; nothing tells of it."""
    whole = rng.uniform(-0.2, 0.2, (streams.count, 1, 1, 1))
    streams.log_ns += whole * streams.slots / streams.planned


def ramp(streams: Streams, rng: np.random.Generator) -> None:
    """Each launch begins cool and loses 3 to 9 % of its clock, most of it in the first rounds."""
    every = streams.slots.shape[1]
    inside = np.arange(every * 2).reshape(every, 2)
    inside[streams.rounds :] -= 2 * streams.rounds  # a further attempt is a launch by itself
    depth = rng.uniform(0.03, 0.09, (streams.count, streams.slots.shape[0], 1, 1))
    log = np.log1p(-depth * (1 - np.exp(-inside / 6)))
    _clock(streams, log, log, np.ones_like(log))


def steps(streams: Streams, rng: np.random.Generator) -> None:
    """A governor changes the clock by steps, every eighth sample or so, also within a sample."""
    slots, at = streams.slots.size, rng.integers(len(LEVELS), size=streams.count)
    before, after = np.empty((streams.count, slots)), np.empty((streams.count, slots))
    for slot in range(slots):
        before[:, slot] = LEVELS[at]
        at = np.where(rng.random(streams.count) < _STEP, rng.integers(len(LEVELS), size=streams.count), at)
        after[:, slot] = LEVELS[at]
    share = _timeline(streams, rng.random((streams.count, slots)))
    _clock(streams, _timeline(streams, before), _timeline(streams, after), share)


def tails(streams: Streams, rng: np.random.Generator) -> None:
    """Every tenth sample takes longer, by 1 % to 100 % with a heavy tail; CPU time tells of every other such one."""
    shape = streams.log_ns.shape[1:]
    more = np.where(rng.random(shape) < _HIT, np.minimum(0.01 * (1 + rng.pareto(_TAIL, shape)), 1.0), 0.0)
    told = np.where(rng.random(shape) < 0.5, more / (1 + more), 0.0)
    streams.log_ns += np.log1p(more)
    streams.lost = np.maximum(streams.lost, told)


def quantised(streams: Streams, _: np.random.Generator) -> None:
    """A timer of 1,000 ticks a window, the least that a sample may have; clocks are told in steps of 100 MHz."""
    streams.tick_ns = WINDOW_NS / 1000
    for name in ("mhz_before", "mhz_after"):
        streams.evidence[name] = np.round(streams.evidence[name] / 100) * 100


def throttling(streams: Streams, rng: np.random.Generator) -> None:
    """The longer it computes the warmer it is; from 12 degrees on the clock falls step by step, to 60 % at most.

    Each launch begins cool: the gate has waited for that.
    """
    slots, count = streams.slots.size, streams.count
    begins = {int(part[0, 0]) for rounds in streams.slots for part in np.split(rounds, [streams.rounds]) if part.size}
    warmth, level = np.zeros(count), np.zeros(count)
    heats = _WARMTH_C * rng.uniform(0.8, 1.6, count)
    before, after, rise = (np.empty((count, slots)) for _ in range(3))
    for slot in range(slots):
        if slot in begins:
            warmth, level = rng.uniform(0, 1, count), np.zeros(count)
        before[:, slot] = level
        warmth += heats * np.exp(2 * level) - _LOSS * warmth
        lower, higher = warmth > _TRIP_C, warmth < _CLEAR_C
        level = np.clip(level + _THROTTLE * (1.0 * lower - higher), _LEAST_CLOCK, 0.0)
        after[:, slot], rise[:, slot] = level, np.round(warmth, 1)
    share = _timeline(streams, rng.random((count, slots)))
    _clock(streams, _timeline(streams, before), _timeline(streams, after), share)
    streams.rise_c[:] = _timeline(streams, rise)


def one_preempted(streams: Streams, rng: np.random.Generator) -> None:
    """Something else runs in 30 % of A's samples and 5 % of B's, for 0.1 to 30 % of the time; CPU time tells of it."""
    lost = _struck(streams, rng, 0.001, 0.3)
    streams.log_ns -= np.log1p(-lost)
    streams.lost = np.maximum(streams.lost, lost)


def one_contended(streams: Streams, rng: np.random.Generator) -> None:
    """A neighbour takes 2 to 40 % of the core from 30 % of A's samples and 5 % of B's.

    The probes before and after see from 0.7 to 1.3 of what the sample lost.
    """
    taken = _struck(streams, rng, 0.02, 0.4)
    streams.log_ns -= np.log1p(-taken)
    for name in ("gflops_before", "gflops_after"):
        streams.evidence[name] *= 1 - taken * rng.uniform(0.7, 1.3, taken.shape)


def _struck(streams: Streams, rng: np.random.Generator, least: float, most: float) -> Numbers:
    shape = streams.log_ns.shape
    share = np.exp(rng.uniform(np.log(least), np.log(most), shape))
    chance = np.array(_STRUCK).reshape(2, *[1] * (len(shape) - 1))
    return np.where(rng.random(shape) < chance, share, 0.0)


KINDS = (
    Kind("recorded", "the recorded noise alone"),
    Kind("drift", "up to 20 % slower or faster over the run, unseen", (drift,)),
    Kind("ramps", "each launch loses 3 to 9 % of its clock as it warms", (ramp,)),
    Kind("steps", "the clock changes among 100, 94, 86 and 75 %, every eighth sample, also within one", (steps,)),
    Kind("heavy tails", "every tenth sample takes 1 to 100 % longer; evidence tells of half of them", (tails,)),
    Kind("quantised clock", "a timer of 1,000 ticks a window, clocks in steps of 100 MHz", (quantised,)),
    Kind(
        "throttling",
        "each launch begins cool; then the clock falls, to as little as 60 %",
        (throttling,),
    ),
    Kind("A preempted more", "30 % of A's samples and 5 % of B's lose 0.1 to 30 % of their time", (one_preempted,)),
    Kind("A contended more", "a neighbour takes 2 to 40 % of 30 % of A's samples, 5 % of B's", (one_contended,)),
    Kind("all at once", "drift, steps, heavy tails and a quantised clock", (drift, steps, tails, quantised)),
)
