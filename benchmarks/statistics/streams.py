"""Streams of samples of two variants, A and B, on a simulated device: recorded noise with what a device adds to it.

Arrays have the axes variant (what the slot would show if A, or B, ran in it), stream, launch, round, position in the
round. Rounds beyond ``rounds`` are those that a further attempt takes, after all others.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from benchmarks.statistics.noise import COUNTS, EVIDENCE, Noise, Numbers

WINDOW_NS = 12e6  # of a sample of the default policy: 1.2 times its 10 ms


@dataclass
class Streams:
    """``log_ns``: of a window of either variant, without the difference of the two; for the rest see Noise.

    ``rise_c``: degrees above where the device rests. ``a_first``: by stream, launch and round. ``tick_ns``: of the
    timer.
    """

    log_ns: Numbers
    lost: Numbers
    evidence: dict[str, Numbers]
    counts: dict[str, NDArray[np.int64]]
    rise_c: Numbers
    a_first: NDArray[np.bool_]
    rounds: int
    tick_ns: float = 1.0
    slots: NDArray[np.int64] = field(init=False)  # by launch, round and position: the number in time

    def __post_init__(self) -> None:
        launches, every = self.log_ns.shape[2:4]
        again = every - self.rounds
        first = np.arange(launches * self.rounds * 2).reshape(launches, self.rounds, 2)
        later = np.arange(launches * again * 2).reshape(launches, again, 2) + first.size
        self.slots = np.concatenate([first, later], axis=1)

    @property
    def count(self) -> int:
        """Of streams."""
        return int(self.log_ns.shape[1])

    @property
    def planned(self) -> int:
        """Slots of a stream without those of a further attempt."""
        return int(self.log_ns.shape[2] * self.rounds * 2)

    def sided(self, values: Numbers) -> Numbers:
        """Variant, stream, launch, round: what each variant showed where it ran, the two taking turns."""
        a = np.where(self.a_first, values[0, ..., 0], values[0, ..., 1])
        return np.stack([a, np.where(self.a_first, values[1, ..., 1], values[1, ..., 0])])

    def in_turns(self, truth: float, rng: np.random.Generator) -> Numbers:
        """Windows in ns by variant, stream, launch and round; B takes ``truth`` times as long as A."""
        windows = WINDOW_NS * np.exp(self.sided(self.log_ns))
        windows[1] *= truth
        return self._read(windows, rng)

    def in_sequence(self, truth: float, rng: np.random.Generator) -> Numbers:
        """Variant, stream, sample: the same device and time, but A has the first half of the slots and B the other."""
        half = self.planned // 2
        timeline = self.log_ns[:, :, :, : self.rounds].reshape(2, self.count, self.planned)
        windows = WINDOW_NS * np.exp(np.stack([timeline[0, :, :half], timeline[1, :, half:]]))
        windows[1] *= truth
        return self._read(windows, rng)

    def _read(self, windows: Numbers, rng: np.random.Generator) -> Numbers:
        """As the timer tells: ticks between two readings of it."""
        start = rng.random(windows.shape)
        return np.maximum(np.floor(windows / self.tick_ns + start), 1.0) * self.tick_ns


def draw(
    noise: Noise, count: int, rng: np.random.Generator, *, launches: int = 8, rounds: int = 10, again: int = 10
) -> Streams:
    """Each stream is of one recorded stream, a launch of one recorded launch with its rounds as they came.

    Which recorded side is A is drawn for each launch, so that A and B are equal however the recorded sides differed.
    """
    streams, recorded, most, _ = noise.log_ns.shape
    if rounds > most or again > most:
        raise ValueError(f"{most} rounds were recorded, {max(rounds, again)} are asked for")
    which = rng.integers(streams, size=(count, 1))
    if launches <= recorded:
        first = np.argsort(rng.random((count, recorded)), axis=1)[:, :launches]
    else:
        first = rng.integers(recorded, size=(count, launches))
    later = rng.integers(recorded, size=(count, launches))

    def of(values: NDArray[np.generic]) -> NDArray[np.generic]:
        return np.concatenate([values[which, first][:, :, :rounds], values[which, later][:, :, :again]], axis=2)

    def twice(values: NDArray[np.generic]) -> Numbers:
        return np.repeat(of(values)[np.newaxis].astype(np.float64), 2, axis=0)

    turned = rng.random((count, launches, 1)) < 0.5
    log_ns = twice(noise.log_ns)
    return Streams(
        log_ns,
        twice(noise.lost),
        {name: twice(noise.evidence[name]) for name in EVIDENCE},
        {name: twice(noise.counts[name]).astype(np.int64) for name in COUNTS},
        np.full_like(log_ns, np.nan),
        of(noise.one_first).astype(np.bool_) ^ turned,
        rounds,
    )
